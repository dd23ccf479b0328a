#!/usr/bin/env python3
"""Builds the help of the module: each cmdlet's markdown into one MAML file, about_*.md into text.

A cmdlet's page: `# Name`, the synopsis, then `## Description`, `## Parameters`, `## Outputs`,
`## Examples`, `## Links`. A parameter is `### -Name <Type>`, a line in italics with its facts
(`*position 0; required; pipeline by value, by name; wildcards; alias A; default X*`), then text.
An example is `### Title`, a fenced block of code, then text. Tests compare the facts with the cmdlet.
"""
import re
import sys
import textwrap
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH = 80


def sections(text, mark):
    """Splits at headings of one level: [(heading, body)], the part before the first one left out."""
    parts = re.split(rf"^{mark} +(.+)$", text, flags=re.M)
    return list(zip([p.strip() for p in parts[1::2]], [p.strip() for p in parts[2::2]]))


def plain(text):
    return text.replace("`", "")


def paras(text):
    """Paragraphs of text; the lines of a list stay lines, other lines are joined."""
    out = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.startswith("- "):
            out.extend(plain(" ".join(i.split())) for i in re.split(r"\n(?=- )", block))
        elif block:
            out.append(plain(" ".join(block.split())))
    return "".join(f"<maml:para>{escape(p)}</maml:para>" for p in out)


class Parameter:
    def __init__(self, heading, body):
        self.name, self.type = re.fullmatch(r"-(\w+) <(.+)>", heading).groups()
        match = re.match(r"\*(.+?)\*\s*(?:\n\n|$)", body, flags=re.S)
        if not match:
            raise SystemExit(f"-{self.name}: no line of facts in italics")
        self.text = body[match.end():]
        facts = [f.strip() for f in " ".join(match[1].split()).split(";")]
        self.required = "required" in facts
        self.wildcards = "wildcards" in facts

        def fact(word, default):
            return next((f[len(word) + 1:] for f in facts if f.startswith(word + " ")), default)

        self.position = fact("position", "named")
        self.alias = fact("alias", "")
        self.default = fact("default", "")
        ways = {"by value": "ByValue", "by name": "ByPropertyName"}
        taken = [ways[w.strip()] for w in fact("pipeline", "").split(",") if w.strip()]
        self.pipeline = f"true ({', '.join(taken)})" if taken else "false"

    def maml(self, with_text):
        value = "" if self.type == "Switch" else (
            f'<command:parameterValue required="true">{escape(self.type)}</command:parameterValue>')
        name = "SwitchParameter" if self.type == "Switch" else self.type
        return (
            f'<command:parameter required="{str(self.required).lower()}" '
            f'globbing="{str(self.wildcards).lower()}" pipelineInput="{self.pipeline}" '
            f'position="{self.position}" aliases="{self.alias or "none"}">'
            f"<maml:name>{self.name}</maml:name>"
            + (f"<maml:description>{paras(self.text)}</maml:description>" if with_text else "")
            + value
            + (f"<dev:type><maml:name>{escape(name)}</maml:name></dev:type>"
               f"<dev:defaultValue>{escape(self.default)}</dev:defaultValue>" if with_text else "")
            + "</command:parameter>")


def example(heading, body):
    code, text = re.fullmatch(r"```\w*\n(.*?)\n```\s*(.*)", body, flags=re.S).groups()
    return (f"<command:example><maml:title>{escape(heading)}</maml:title>"
            f"<dev:code>{escape(code)}</dev:code><dev:remarks>{paras(text)}</dev:remarks>"
            "</command:example>")


def output(heading, body):
    return ("<command:returnValue><dev:type>"
            f"<maml:name>{escape(heading)}</maml:name></dev:type>"
            f"<maml:description>{paras(body)}</maml:description></command:returnValue>")


def command(path):
    (name, body), = sections(path.read_text("utf-8"), "#")
    if name != path.stem:
        raise SystemExit(f"{path.name}: its heading says {name}")
    part = dict(sections(body, "##"))
    synopsis = body.split("\n## ")[0]
    verb, noun = name.split("-")
    parameters = [Parameter(*s) for s in sections(part.get("Parameters", ""), "###")]
    links = re.findall(r"^- (\S+)$", part.get("Links", ""), flags=re.M)
    return (
        "<command:command>"
        f"<command:details><command:name>{name}</command:name><command:verb>{verb}</command:verb>"
        f"<command:noun>{noun}</command:noun>"
        f"<maml:description>{paras(synopsis)}</maml:description></command:details>"
        f"<maml:description>{paras(part['Description'])}</maml:description>"
        f"<command:syntax><command:syntaxItem><maml:name>{name}</maml:name>"
        + "".join(p.maml(False) for p in parameters)
        + "</command:syntaxItem></command:syntax><command:parameters>"
        + "".join(p.maml(True) for p in parameters)
        + "</command:parameters><command:returnValues>"
        + "".join(output(*s) for s in sections(part.get("Outputs", ""), "###"))
        + "</command:returnValues><command:examples>"
        + "".join(example(*s) for s in sections(part["Examples"], "###"))
        + "</command:examples><maml:relatedLinks>"
        + "".join(f"<maml:navigationLink><maml:linkText>{escape(t)}</maml:linkText>"
                  "<maml:uri/></maml:navigationLink>" for t in links)
        + "</maml:relatedLinks></command:command>")


def about(path):
    (name, body), = sections(path.read_text("utf-8"), "#")
    out = [f"TOPIC\n    {name}"]
    for heading, text in sections(body, "##"):
        lines = []
        for block in re.split(r"(```\w*\n.*?\n```)", text, flags=re.S):
            fenced = re.fullmatch(r"```\w*\n(.*?)\n```", block, flags=re.S)
            if fenced:
                lines.append(textwrap.indent(fenced[1], " " * 8) + "\n")
                continue
            for para in re.split(r"\n\s*\n", block.strip()):
                for item in re.split(r"\n(?=- )", para):
                    lines.append(textwrap.fill(plain(" ".join(item.split())), WIDTH,
                                               initial_indent=" " * 4,
                                               subsequent_indent=" " * (6 if item.startswith("- ") else 4),
                                               break_long_words=False, break_on_hyphens=False))
                lines.append("")
        out.append(heading.upper() + "\n" + "\n".join(lines).rstrip())
    return "\n\n".join(out) + "\n"


def main():
    here, out = Path(__file__).parent, Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    commands = [command(p) for p in sorted(here.glob("*-*.md"))]
    (out / "ECSTools.dll-Help.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<helpItems schema="maml" xmlns="http://msh" '
        'xmlns:maml="http://schemas.microsoft.com/maml/2004/10" '
        'xmlns:command="http://schemas.microsoft.com/maml/dev/command/2004/10" '
        'xmlns:dev="http://schemas.microsoft.com/maml/dev/2004/10">\n'
        + "\n".join(commands) + "\n</helpItems>\n", "utf-8")
    for page in sorted(here.glob("about_*.md")):
        (out / f"{page.stem}.help.txt").write_text(about(page), "utf-8")


if __name__ == "__main__":
    main()
