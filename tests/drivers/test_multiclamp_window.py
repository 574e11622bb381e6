"""The window that receives telegraphs, on a library with the calls of Windows' user32 and a Commander behind it."""

import ctypes

import pytest

from drivers.clock import DemandClock
from drivers.multiclamp.library import Headstage
from drivers.multiclamp.table import Hardware
from drivers.multiclamp.telegraph import TelegraphError
from drivers.multiclamp.window import CommanderTelegraph, MessageWindow, identify
from drivers.simulated.multiclamp.commander import FakeCommander
from drivers.simulated.multiclamp.exports import compiled
from drivers.simulated.multiclamp.settings import OwnStore
from protocols.sweeps import ClampMode

HEADSTAGE = Headstage(Hardware.MC700B, "00834001", 0, 0, 2)

USER32 = r"""
#include <stdint.h>
#include <string.h>
#include <wchar.h>
typedef intptr_t (*Procedure)(void *, unsigned, size_t, intptr_t);
typedef struct { unsigned style; Procedure procedure; int more[2]; void *handles[4];
                 const wchar_t *menu, *name; } WindowClass;
typedef struct { size_t number; uint32_t size; void *data; } CopyData;
#define WINDOW ((void *)0x7f0000001234)   /* wider than 32 bits */
static Procedure procedure; static unsigned char record[256]; static uint32_t size; static int others, refuse;
unsigned posted[16]; intptr_t posted_to[16]; int n_posted, destroyed, dispatched, passed_on;
unsigned RegisterWindowMessageW(const wchar_t *name) { return 0xC000 + (unsigned)wcslen(name); }
unsigned short RegisterClassW(const WindowClass *kind) { procedure = kind->procedure; return kind->name != 0; }
void *CreateWindowExW(uint32_t ex, const wchar_t *kind, const wchar_t *name, uint32_t style, int x, int y, int w,
                      int h, void *parent, void *menu, void *instance, void *param)
{ return (intptr_t)parent == -3 && !refuse ? WINDOW : 0; }
int PostMessageW(void *to, unsigned message, size_t word, intptr_t longer)
{ if (to != (void *)0xFFFF || (void *)word != WINDOW) return 0;
  posted[n_posted] = message; posted_to[n_posted++] = longer; return 1; }
int PeekMessageW(void *message, void *window, unsigned low, unsigned high, unsigned remove)
{ if (window != WINDOW || remove != 1) return 0;
  if (size) { CopyData copied = { 0xC000 + 29, size, record }; size = 0;
              procedure(window, 0x004A, 0, (intptr_t)&copied); }
  if (others) { others--; return 1; }
  return 0; }
intptr_t DispatchMessageW(void *message) { dispatched++; return procedure(WINDOW, 0x0113, 0, 0); }
intptr_t DefWindowProcW(void *window, unsigned message, size_t word, intptr_t longer) { passed_on++; return 0; }
int DestroyWindow(void *window) { destroyed += window == WINDOW; return 1; }
void fake_record(const unsigned char *raw, uint32_t n) { memcpy(record, raw, n); size = n; }
void fake_others(int n) { others = n; }
void fake_refuse(void) { refuse = 1; }
"""
"""A registered message's number is 0xC000 and the length of its name: 29 for that of REQUEST.

It delivers as Windows does: WM_COPYDATA goes straight to the window's procedure while messages are looked for."""


@pytest.fixture
def user(tmp_path):
    path = tmp_path / "user32.so"
    path.write_bytes(compiled(USER32))
    return ctypes.CDLL(str(path))


@pytest.fixture
def window(user):
    made = MessageWindow(lambda: user)
    made.open()
    yield made
    made.close()


def posted(user):
    n = ctypes.c_int.in_dll(user, "n_posted").value
    messages = (ctypes.c_uint * 16).in_dll(user, "posted")[:n]
    return list(zip(messages, (ctypes.c_ssize_t * 16).in_dll(user, "posted_to")[:n], strict=True))


def test_a_record_arrives_whole(user, window):
    raw = FakeCommander({HEADSTAGE: OwnStore()}).record(HEADSTAGE)
    user.fake_record(raw, len(raw))
    assert window.collect() == [raw]
    assert window.collect() == []


def test_other_messages_are_passed_on_to_windows(user, window):
    user.fake_others(3)
    assert window.collect() == []
    assert ctypes.c_int.in_dll(user, "dispatched").value == 3
    assert ctypes.c_int.in_dll(user, "passed_on").value == 3


def test_messages_are_posted_to_all_windows_with_the_headstages_number(user, window):
    window.post("Open", identify(HEADSTAGE))
    window.post("Request", identify(HEADSTAGE))
    lengths = [len("MultiClampTelegraphOpenMsg"), len("MultiClampTelegraphRequestMsg")]
    assert posted(user) == [(0xC000 + n, identify(HEADSTAGE)) for n in lengths]


def test_the_whole_dialogue_reads_the_commanders_mode(user):
    store = OwnStore(present=ClampMode.CURRENT)
    raw = FakeCommander({HEADSTAGE: store}).record(HEADSTAGE)

    class Answering(MessageWindow):
        def post(self, message, identity):
            super().post(message, identity)
            if message == "Request":
                user.fake_record(raw, len(raw))

    telegraph = CommanderTelegraph(Answering(lambda: user), DemandClock())
    telegraph.open()
    assert telegraph.read(HEADSTAGE).mode is ClampMode.CURRENT
    telegraph.close()
    telegraph.close()
    assert len(posted(user)) == 3
    assert ctypes.c_int.in_dll(user, "destroyed").value == 1


def test_a_window_that_windows_refuses_is_named(user):
    user.fake_refuse()
    with pytest.raises(TelegraphError, match="made no window"):
        MessageWindow(lambda: user).open()
