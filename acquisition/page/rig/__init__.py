"""The Rig screen: what is wired where, what may be commanded, what is seen of it now, and what doctor said."""
