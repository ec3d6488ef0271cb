const s = crypto.subtle, data = new Uint8Array(1000), out = [];
for (const hash of ["SHA-1", "SHA-256", "SHA-384", "SHA-512"]) out.push((await s.digest(hash, data)).byteLength);
const signing = {
  "RSA-PSS": { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256", saltLength: 32 },
  ECDSA: { namedCurve: "P-256", hash: "SHA-256" }, Ed25519: {}, HMAC: { hash: "SHA-512" },
};
for (const [name, options] of Object.entries(signing)) {
  const made = await s.generateKey({ name, ...options }, true, ["sign", "verify"]);
  const signature = await s.sign({ name, ...options }, made.privateKey ?? made, data);
  out.push(await s.verify({ name, ...options }, made.publicKey ?? made, signature, data));
  const key = await s.exportKey("jwk", made.publicKey ?? made);
  out.push((await s.importKey("jwk", key, { name, ...options }, true, ["verify"])).type);
}
for (const namedCurve of ["P-256", "P-384", "P-521"]) {
  const pair = await s.generateKey({ name: "ECDH", namedCurve }, true, ["deriveBits"]);
  out.push((await s.deriveBits({ name: "ECDH", public: pair.publicKey }, pair.privateKey, 256)).byteLength);
}
for (const name of ["AES-CBC", "AES-GCM", "AES-CTR"]) {
  const key = await s.generateKey({ name, length: 256 }, true, ["encrypt", "decrypt"]);
  const options = { name, iv: new Uint8Array(16), counter: new Uint8Array(16), length: 64 };
  out.push((await s.decrypt(options, key, await s.encrypt(options, key, data))).byteLength);
}
for (const options of [{ name: "PBKDF2", iterations: 1000 }, { name: "HKDF", info: data }]) {
  const key = await s.importKey("raw", data, options.name, false, ["deriveBits"]);
  out.push((await s.deriveBits({ ...options, hash: "SHA-256", salt: data }, key, 256)).byteLength);
}
return out;
