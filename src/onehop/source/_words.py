"""What a model reads when its code uses syntax that the sandbox has no place for."""

IMPORT = (
    "import is not available in the sandbox: there are no modules to load. "
    "Use the data in `context` and the built-in globals instead"
)
EXPORT = (
    "export has no meaning here: the code is the body of an async function. "
    "Return the value instead"
)
IMPORT_META = (
    "import.meta is not available in the sandbox: "
    "the code is the body of an async function, not a module"
)
AWAIT = (
    "await is only valid in async functions: make the function around it async. "
    "At the top level of the code await works"
)
JSX = "JSX is not supported: build a string or a plain object instead"
LOOKS_LIKE_TYPESCRIPT = 'This looks like TypeScript: send it with language "typescript"'
FENCE = (
    "the code has a Markdown fence in it (three backticks or tildes): send one program, "
    "without fences and without words beside it"
)
CALL = (
    "this is a whole call as JSON: send the value of its `code` as the code, and its other fields "
    "beside it"
)
ENTITY = "`{entity}` is an HTML entity: write the character itself"
ESCAPE = (
    "`{escape}` stands outside of a text, so the code seems to be escaped twice: "
    "send it with real line ends and quotes"
)
CHARACTER = "the character {character} is not part of JavaScript: {instead}"
LANGUAGE = (
    "this looks like {language}: only JavaScript and TypeScript run here. Write it in JavaScript"
)
SENTENCE = "this looks like a sentence of a natural language: send the program alone"
MARKUP = "markup is not JavaScript: build it as text, in backticks, and return it"
SHELL = (
    "this looks like a command of a shell: there is no shell here, and nothing can be installed. "
    "Write JavaScript, and use the data in `context`"
)
PYTHON = LANGUAGE.format(language="Python")
RESERVED = "`{word}` is a reserved word of JavaScript: choose another name"
COMMENT = "`#` does not begin a comment in JavaScript: write `//`"
BLOCK = "`{` begins a block here, not an object: write `return {` to return the object"
BODY = "`{` begins the body of a function here, not an object: write `=> ({` … `})`"
FIELD = "it is a field of `context`: write context.{name}"
STATEMENT = "`{word}` begins a new statement: put a line end or a semicolon before it"
TAG = "the code has the tag {tag} around it: send the program alone"
END_OF_INPUT = "Unexpected end of input"
MISSPELT = "`{word}` is not a word of JavaScript: write `{meant}`, if that is meant"
NAMED = "the first line is the name of the language: send the program alone"
OWN_CALL = (
    "the code runs in `{name}` already and cannot call it: write here, as statements, what the "
    "inner call was to run"
)
