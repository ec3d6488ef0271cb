// Frames of the processes that read programs and run none, as docs/reference/protocol.md has them.

// deno-lint-ignore-file guest/globals guest/methods -- no guest runs in a compiler

// Deno's modules for Node ask for these as soon as the first is loaded, and the jail has neither.
Deno.execPath = () => "/deno";
Deno.cwd = () => "/";

/** Fill `bytes` from standard input; false when it ends before. */
function receive(bytes) {
  for (let done = 0; done < bytes.length;) {
    const count = Deno.stdin.readSync(bytes.subarray(done));
    if (count === null) return false;
    done += count;
  }
  return true;
}

/** The text of the next frame; null at the end. */
export function receiveFrame() {
  const head = new Uint8Array(4);
  if (!receive(head)) return null;
  const body = new Uint8Array(new DataView(head.buffer).getUint32(0));
  return receive(body) ? new TextDecoder().decode(body) : null;
}

/** Whether the message was sent: one of more than `most` bytes is not. */
export function writeFrame(message, most = Infinity) {
  const body = new TextEncoder().encode(JSON.stringify(message));
  if (body.length > most) return false;
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  for (let done = 0; done < frame.length;) done += Deno.stdout.writeSync(frame.subarray(done));
  return true;
}
