"""Other languages that models send, told by lines that neither JavaScript nor TypeScript can have.

They are looked for only in a text that the engine has refused. Only the line where it stopped and
the first one are looked at, with what is quoted or commented left out: a program that merely
mentions such a line, or has it in a text, is not taken for one.
"""

from __future__ import annotations

import re
from typing import Final

_QUOTED: Final = re.compile(
    r"""(?P<triple>\"{3}|'{3})|"(?:\\.|[^"\\\n])*+"|'(?:\\.|[^'\\\n])*+'|`[^`]*+`"""
    r"""|(?<![:\w/])//[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|$)"""
)
_PYTHON: Final = r"""
    [^\n]*(?<![\w$.])for[ ]+\w+(?:[ ]*,[ ]*\w+)*[ ]+in[ ]+[^\n{]*$
  | [^\n]*[\w)\]}"'][ ]+if[ ]+[^({\n][^{\n]*[ ]else[ ][^{;\n]*$
  | [^\n]*[\w)]\[-?\d*:-?\d*(?::-?\d*)?\]
  | [^\n]*\(\w+[ ]*:=
  | (?:if|while|elif)[ ]*\([^{;\n]*:[ ]*$
  | (?:return|if|while|\w+[ ]*=)[ ][^\n<]*?[\w)\]"'](?:[ ]and[ ]|[ ]or[ ])(?:not[ ])?[\w("'\[]
  | (?:return|if|while|\w+[ ]*=)[ ]+not[ ]+[\w(]
  | raise(?:[ ]+[A-Z]\w*(?:\(.*)?)?$
  | (?:assert|del|global|nonlocal)[ ]+\w
  | @\w[\w.]*(?:\([^\n]*\))?[ \t]*\n[ \t]*(?:async[ ]+)?def[ ]
  | match[ ]+[^({\n][^{\n]*:[ ]*$
  | [^\n]*\"{3} | [^\n]*'{3}
  | >>>[ ] | In[ ]?\[\d*\]: | [!%](?:pip|conda|matplotlib|load_ext|timeit|run|cd)[ ]+\w
"""
_SHELL: Final = r"""
    (?:if|while|until|elif)[ ]+(?:!?[ ]*\[|test[ ]|!?[ ]*[a-z][\w-]*[ ]+-)[^\n]*
  | (?:if|while|until)[ ][^({\n]*;[ ]*(?:then|do)\b
  | for[ ]+\w+[ ]+in[ ][^\n]*;[ ]*do\b
  | while[ ]+read\b | case[ ]+"?\$\w+"?[ ]+in\b | (?:fi|esac|done)[ ]*$
  | \[\[[ ] | [A-Z_][A-Z0-9_]*=\S+[ ]+[a-z]
  | [a-z][\w.-]*[ ][^\n=({]*\|[ ]*(?:grep|head|tail|sort|wc|awk|sed|xargs|jq|tee|cut|uniq|tr)\b
  | (?!return\b|throw\b)[a-z][\w.-]*[ ][^\n({=]*<<[-~]?["']?[A-Za-z_]{2,}
  | set[ ]+-\w | source[ ]+[./~\w] | alias[ ]+\w+=
"""
_SQL: Final = r"""(?i:
    SELECT[ ]+(?:DISTINCT[ ]+|TOP[ ]+)?[\w*"'(@] | INSERT[ ]+INTO[ ] | UPDATE[ ]+[\w."]+[ ]+SET\b
  | DELETE[ ]+FROM[ ] | (?:CREATE|ALTER|DROP)[ ]+(?:OR[ ]+REPLACE[ ]+)?(?:TEMP\w*[ ]+)?
    (?:TABLE|INDEX|VIEW|DATABASE|SCHEMA|TYPE|FUNCTION|TRIGGER|USER|ROLE|UNIQUE)\b
  | WITH[ ]+(?:RECURSIVE[ ]+)?\w+[ ]+AS[ ]*\( | TRUNCATE[ ]+TABLE[ ] | EXPLAIN[ ]+(?:ANALYZE|SELECT)
)"""
_TYPED: Final = (
    r"(?:final[ ]+|unsigned[ ]+)?(?:int|long|float|double|char|boolean|bool|byte|short|size_t"
    r"|String|string|auto|decimal|List<[^\n]*>|Map<[^\n]*>|Dictionary<[^\n]*>)"
    r"(?:\[\])?[ ]+\w+[ ]*[=;(]"
)
_LANGUAGES: Final = (
    (r"<\?php | \$\w+->\w | echo[ ][^\n]*;[ ]*$", "PHP"),
    (_SQL, "SQL"),
    (_SHELL, ""),
    (_PYTHON, "Python"),
    (r"\#[ ]*include\b | std:: | (?:int|void)[ ]+main[ ]*\( | template[ ]*<typename", "C or C++"),
    (
        r"(?:public|private|protected|internal)[ ]+"
        r"(?:(?:static|final|abstract|sealed|partial|async|override|virtual|readonly)[ ]+)*"
        r"(?:class|interface|enum|record|void|int|long|double|bool(?:ean)?|String|string|Task)\b[^:\n]"
        r"| using[ ]+[A-Z][\w.]*; | namespace[ ]+[\w.]+;"
        r"| import[ ]+(?:static[ ]+)?(?:java|javax|org|com)\.[\w.*]+;"
        r"| package[ ]+[\w.]+; | static[ ]+void[ ]",
        "Java or C#",
    ),
    (_TYPED, "Java, C or C#"),
    (r"[^\n]*\bnew[ ]+[A-Z]\w*<[^\n>]*>(?:[ ]*\(\))?[ ]*\{", "C#"),
    (r"package[ ]+\w+[ ]*$ | func[ ]+\([^\n]*\)[ ]*\w+\( | \w+(?:,[ ]*\w+)*[ ]*:=[ ]", "Go"),
    (r"func[ ]+\w+[ ]*[(<]", "Go or Swift"),
    (
        r"(?:pub[ ]+)?fn[ ]+\w+[ ]*[(<] | let[ ]+mut[ ] | (?:println|format|vec|panic|assert_eq)!"
        r"| use[ ]+\w+:: | impl\b[^\n]*\{[ ]*$ | \#!?\[\w+",
        "Rust",
    ),
    (r"(?:suspend[ ]+)?fun[ ]+[\w.<>]+[ ]*\( | val[ ]+\w+(?:[ ]*:[ ]*\w+)?[ ]*=[ ]"
     r" | object[ ]+\w+[ ]*\{", "Kotlin or Scala"),
    (r"guard[ ]+let[ ] | if[ ]+let[ ] | let[ ]+\w+:[ ]*(?:Int|Double|Bool|\[\w+\])[ ]*=", "Swift"),
    (
        r"def[ ]+[\w.]+[?!]?[ ]*(?:\([^\n)]*\))?[ ]*$"
        r"| [^\n;{}]*[\w)\]][ ]do[ ]*(?:\|[^\n|]*\|)?[ ]*$"
        r"| puts[ ] | require(?:_relative)?[ ]+[\"'] | unless[ ] | attr_\w+[ ]+: | elsif[ ]",
        "Ruby",
    ),
    (r"local[ ]+(?:function[ ]+)?\w+ | [^({\n]*(?<![.\w])then[ ]*$ | elseif[ ][^\n]*then", "Lua"),
    (r"(?:my|our)[ ]+[$@%(] | use[ ]+(?:strict|warnings)\b | sub[ ]+\w+[ ]*\{", "Perl"),
    (r"(?:Get|Set|Write|New|Remove|Invoke|Select|Where|ForEach|Import|Export|Start|Out)-[A-Z]\w+"
     r" | param[ ]*\($", "PowerShell"),
    (r"(?:defmodule|defp?)[ ]+[\w.]+[^\n]*\bdo\b | IO\.(?:puts|inspect)[ ]", "Elixir"),
    (r"[\w.]+[ ]*<-[ ]*(?:function\b|c\(|[\w.\"'(]) | library\(\w+\)[ ]*$", "R"),
    (r"\((?:defun|define|defn|def|setq|ns)[ ]", "Lisp"),
    (r"[^\n]*\)[ ]*->[ ]*[\w({]", "Java, Swift or CoffeeScript"),
    (r"(?i:Dim|Sub|End[ ]Sub|Option[ ]Explicit)\b[ ]+\w", "Basic"),
    (r"main[ ]*(?:::[ ]*IO|=[ ]*(?:do\b|putStr|print\b)) | module[ ]+[\w.]+[ ]+where", "Haskell"),
    (r"<!DOCTYPE\b | <\?xml\b | <(?:html|head|body|svg|style|template)\b", "HTML or XML"),
    (r"[.\#@]?[a-z][\w-]*(?:[ ,>+~.#:]+[\w-]+)*[ ]*\{[ ]*[a-z-]+[ ]*:[ ]*[^;{}()=\n]+;", "CSS"),
    (r"(?:query|mutation|subscription)\b[ ]*\w*(?:\([^\n]*\))?[ ]*\{", "GraphQL"),
    (r"-[ ]+[\w-]+:(?:[ ]|$) | %YAML | ---[ ]*$", "YAML"),
    (r"FROM[ ]+[\w./:-]+(?:[ ]+AS[ ]+\w+)?[ ]*$ | (?:RUN|COPY|CMD|ENTRYPOINT|WORKDIR)[ ]+\S",
     "a Dockerfile"),
    (r"@@[ ]-\d | ---[ ]a/ | \+\+\+[ ]b/ | diff[ ]--git", "a diff"),
    (r"[^\n]*\{%[-]?[ ]*\w", "a template"),
    (r"(?:graph|flowchart)[ ]+(?:TD|TB|LR|RL|BT)\b | sequenceDiagram\b", "a diagram"),
    (r"[A-Z][a-z']*,?(?:[ ](?:[A-Za-z'][\w'-]*|\d+),?){3,}[.:!?]*[ ]*$", "a sentence"),
)  # fmt: skip
_KNOWN: Final = [
    (re.compile(rf"[ \t]*+(?:{pattern})", re.VERBOSE | re.MULTILINE), name)
    for pattern, name in _LANGUAGES
]
_WIDTH: Final = 400
"""Characters of a line that are looked at, so that no text makes the patterns slow."""
SHELL: Final = ""
"""Stands for a command, about which there are other words."""


def tongue(code: str, *starts: int) -> tuple[str, int] | None:
    """What language one of the lines that begin at ``starts`` is in, and where that line's text
    begins; None when they may well be JavaScript."""
    for start in starts:
        window = code[start : start + _WIDTH]
        text = _QUOTED.sub(_blank, window)
        for pattern, name in _KNOWN:
            if pattern.match(text):
                return name, start + len(window) - len(window.lstrip(" \t"))
    return None


def _blank(found: re.Match[str]) -> str:
    """As long, and on as many lines; the quotes stay."""
    text = found.group()
    if found["triple"] or len(text) < 3:
        return text
    if text[0] == "/":
        return re.sub(r"[^\n]", " ", text)
    return text[0] + re.sub(r"[^\n]", "_", text[1:-1]) + text[-1]
