import { expect, test } from "vitest";
import { compileTemplate, type GoStruct } from "@/simulator/text/go-template";
import { DOCKER_FUNCTIONS } from "@/simulator/text/go-template-functions";

const data = {
  items: [
    { name: "a", n: 5 },
    { name: "b", n: 7 },
  ],
  ok: true,
  none: null,
  map: { b: 1, a: [1, 2] },
};

const run = (template: string, value: unknown = data, missingKeyError = false): unknown => {
  const compiled = compileTemplate(template, { functions: DOCKER_FUNCTIONS, missingKeyError });
  return compiled.ok ? compiled.value.execute(value) : compiled.error;
};

test.each([
  ["{{range .items}}{{.name}} {{end}}", "a b "],
  ["{{range $i, $x := .items}}{{if $i}},{{end}}{{$x.name}}{{else}}none{{end}}", "a,b"],
  ["{{len .items}}", "2"],
  ["{{(index .items 1).n}}", "7"],
  ["{{.nope}}", "<no value>"],
  ["{{.none}}", "<no value>"],
  ["{{.map}}", "map[a:[1 2] b:1]"],
  ['{{upper "x"}}{{"Y" | lower}}', "Xy"],
  ['{{.ok | printf "%v-%4s|" "q"}}', "q-%!s(bool=true)|"],
  ["{{json .map}}", '{"b":1,"a":[1,2]}'],
  ["{{if and .ok (gt (len .items) 1)}}many{{else if .ok}}few{{end}}", "many"],
  ["{{with .nope}}x{{else}}y{{end}}", "y"],
  ["a {{- /* gone */ -}} b", "ab"],
  ['{{define "t"}}<{{.}}>{{end}}{{template "t" "x"}}', "<x>"],
  ['{{join (split "a,b" ",") "-"}}', "a-b"],
  ['{{printf "%q %d %5.2f" "x" 3 1.5}}', '"x" 3  1.50'],
  ['{{range .items}}{{if eq .name "b"}}{{break}}{{end}}{{.name}}{{end}}', "a"],
])("%s", (template, text) => {
  expect(run(template)).toEqual({ text });
});

test.each([
  ["{{", "template: :1: unclosed action"],
  ["{{foo}}", 'template: :1: function "foo" not defined'],
  ["{{if .x}}", "template: :1: unexpected EOF"],
  ["{{end}}", "template: :1: unexpected {{end}}"],
  ["{{$x}}", 'template: :1: undefined variable "$x"'],
])("%s does not parse", (template, error) => {
  expect(run(template)).toBe(error);
});

test("docker's words for a field that is not there", () => {
  const context: GoStruct = { goType: "*formatter.ContainerContext", goField: () => undefined, goValue: () => ({}) };
  expect(run("{{.Nope}}", context)).toEqual({
    text: "",
    error: `template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type *formatter.ContainerContext`,
  });
  expect(run("{{.State.Nope}}", { State: {} }, true)).toEqual({
    text: "",
    error: `template: :1:8: executing "" at <.State.Nope>: map has no entry for key "Nope"`,
  });
});
