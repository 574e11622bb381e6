"""The page: a run, a session, a protocol and a rig as a person sees them, in a browser on this computer or another.

The server is a process of its own. It reads the journal of a run while it grows and speaks with the acquisition process
through its door; it touches no device. What it sends, in which units and under which names is in
`docs/reference/page.md`, and why it is built so in `docs/decisions/0010-the-page.md`.
"""
