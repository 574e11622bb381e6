// The one WebSocket: facts as JSON, traces as bytes. It reconnects by itself; the server then says everything anew.
const HEADER = 48;
const AGAIN = [250, 500, 1000, 2000];

/** A block of columns: {kind, sweep, id, first, n, wall, start, column, rows: [Float32Array]}. */
export function traceOf(buffer) {
  const view = new DataView(buffer);
  const [kind, sweep, id, first, n, r] = [0, 4, 8, 12, 16, 20].map((at) => view.getUint32(at, true));
  const rows = Array.from({ length: r }, (_, i) => new Float32Array(buffer, HEADER + 4 * n * i, n));
  return { kind, sweep, id, first, n, rows,
    wall: view.getFloat64(24, true), start: view.getFloat64(32, true), column: view.getFloat64(40, true) };
}

/** Whether the server answers, but not to this page: a refused WebSocket does not say why. */
async function isRefused() {
  try {
    const { status } = await fetch("/api/here", { cache: "no-store" });
    return status === 401 || status === 403;
  } catch {
    return false;
  }
}

export function connect() {
  const listeners = new Map();
  const tracers = [];
  const waiting = new Map();
  let socket = null;
  let tries = 0;
  let number = 0;
  const tell = (is, message) => (listeners.get(is) ?? []).forEach((fn) => fn(message));

  function open() {
    let wasOpen = false;
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { wasOpen = true; tries = 0; tell("link", { state: "live" }); };
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") {
        const trace = traceOf(data);
        tracers.forEach((fn) => fn(trace));
        return;
      }
      const message = JSON.parse(data);
      if (message.is === "did") { waiting.get(message.id)?.(message); waiting.delete(message.id); }
      tell(message.is, message);
    };
    socket.onclose = async () => {
      waiting.forEach((resolve) => resolve({ ok: false, text: "the page's server is gone; nothing was asked" }));
      waiting.clear();
      tell("link", { state: "broken", refused: !wasOpen && await isRefused() });
      setTimeout(open, AGAIN[Math.min(tries++, AGAIN.length - 1)]);
    };
  }
  open();
  return {
    on(is, fn) { listeners.set(is, [...(listeners.get(is) ?? []), fn]); return this; },
    onTrace(fn) { tracers.push(fn); return this; },
    /** Ask the run for something; the promise gives {ok, text}. */
    ask(act, fields = {}) {
      if (socket.readyState !== WebSocket.OPEN) return Promise.resolve({ ok: false, text: "no connection to the run" });
      const id = ++number;
      socket.send(JSON.stringify({ do: act, id, ...fields }));
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
}
