const options = { name: "RSA-PSS", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
const work = [];
for (let i = 0; i < 200; i++) work.push(crypto.subtle.digest("SHA-512", new Uint8Array(1e5)));
for (let i = 0; i < 40; i++) work.push(crypto.subtle.generateKey(options, true, ["sign"]));
return (await Promise.all(work)).length;
