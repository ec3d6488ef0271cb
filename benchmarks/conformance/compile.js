// Which of the texts on standard input, a JSON list, are the body of an async function.
const AsyncFunction = (async () => {}).constructor;
const texts = JSON.parse(await new Response(Deno.stdin.readable).text());
const found = texts.map((text) => {
  try {
    return !!AsyncFunction(text);
  } catch {
    return false;
  }
});
console.log(JSON.stringify(found));
