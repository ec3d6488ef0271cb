const out = [];
for (const format of ["gzip", "deflate", "deflate-raw"]) {
  const packed = new Blob(["hello ".repeat(1e5)]).stream().pipeThrough(new CompressionStream(format));
  const text = packed.pipeThrough(new DecompressionStream(format)).pipeThrough(new TextDecoderStream());
  let size = 0;
  for await (const chunk of text) size += chunk.length;
  out.push(size);
}
const file = new File([new Uint8Array(1e6), "x"], "a.txt");
out.push((await file.text()).length, (await file.bytes()).length, (await file.slice(1, 5).text()).length);
const bytes = new ReadableStream({ type: "bytes", pull(c) { c.enqueue(new Uint8Array(10)) } });
out.push((await bytes.getReader({ mode: "byob" }).read(new Uint8Array(20))).value.length);
const [left, right] = ReadableStream.from([1, 2]).tee();
out.push((await left.getReader().read()).value, (await right.getReader().read()).value);
for (const encoding of ["utf-8", "utf-16le", "shift_jis", "gb18030", "euc-kr", "windows-1252", "big5"]) {
  out.push(new TextDecoder(encoding).decode(new Uint8Array([0x41, 0x42, 0x82, 0xa0])));
}
return out;
