// Starts compiler.js, whose text is the argument, in a thread of its own: the compiler asks for the
// bounds of its stack, and those of the first thread stand in /proc, which the jail does not have.

// What a signal needs is set up now: the host allows no new descriptor later.
const ignore = () => {};
Deno.addSignalListener("SIGUSR2", ignore);
Deno.removeSignalListener("SIGUSR2", ignore);

const url = "data:application/javascript," + encodeURIComponent(Deno.args[0]);
new Worker(url, { type: "module" });
