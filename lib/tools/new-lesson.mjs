/**
 * `npm run lessons:new -- <unit> <id> [course]`: a lesson's folder with its three files, from a template that already
 * passes the schema. Says what to fill in.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const COURSE = "docker-kubernetes";
const ID = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** What stands in the template where an author has to write. */
export const BLANK = "TODO";

/** Makes the folder under `content` and returns its path; throws an Error with a sentence for the author. */
export function newLesson({ content, course = COURSE, unit, id }) {
  if (!unit || !id) throw new Error("Which lesson? npm run lessons:new -- <unit> <id>, such as 05-workloads probes");
  const courseFolder = join(content, course);
  if (!existsSync(join(courseFolder, "course.yaml")))
    throw new Error(`There is no course "${course}": ${join(courseFolder, "course.yaml")} is missing.`);
  const units = [
    ...readFileSync(join(courseFolder, "course.yaml"), "utf8").matchAll(/folder:\s*"?(\d\d-[a-z0-9-]+)/g),
  ].map(([, folder]) => folder);
  const folder = units.find((known) => known === unit) ?? units.find((known) => known.slice(3) === unit);
  if (folder === undefined) throw new Error(`course.yaml has no unit "${unit}". Its units are: ${units.join(", ")}.`);
  if (!ID.test(id)) throw new Error(`"${id}" is no id: ids are lower-case words joined by hyphens.`);
  for (const other of units) {
    for (const lesson of lessonFolders(join(courseFolder, other))) {
      const yaml = join(courseFolder, other, lesson, "lesson.yaml");
      const taken = existsSync(yaml) && /^id:\s*"?([\w-]+)/m.exec(readFileSync(yaml, "utf8"))?.[1] === id;
      if (taken) throw new Error(`The id "${id}" is taken by ${relative(join(content, ".."), yaml)}.`);
    }
  }
  const numbers = lessonFolders(join(courseFolder, folder)).map((name) => Number(name.slice(0, 2)));
  const number = Math.max(0, ...numbers) + 1;
  if (number > 99) throw new Error(`Unit ${folder} has lesson 99 already.`);
  const path = join(courseFolder, folder, `${String(number).padStart(2, "0")}-${id}`);
  mkdirSync(path, { recursive: true });
  // A seed of its own, that follows from its name.
  const seed = [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 100_000, units.indexOf(folder) + 1);
  for (const [name, text] of Object.entries(template(id, seed))) writeFileSync(join(path, name), text, { flag: "wx" });
  return path;
}

const lessonFolders = (unit) => (existsSync(unit) ? readdirSync(unit).filter((name) => /^\d\d-/.test(name)) : []);

const template = (id, seed) => ({
  "lesson.yaml": `id: ${id}
# kind: incident (needs a debrief) or capstone; without it, a lesson
title:
  vi: "TODO: tên bài"
  en: "TODO: the lesson's name"
summary:
  vi: "TODO: một câu, học xong làm được gì"
  en: "TODO: one sentence, what one can do afterwards"
minutes: 10
start:
  # docker, managed (a cluster whose control plane is hidden) or kubernetes (every node can be reached)
  scenario: docker
  seed: ${seed}
  # commands: run before the learner arrives
  commands: []
tasks:
  - id: first
    title:
      vi: "TODO: tên việc"
      en: "TODO: the task's name"
    goals:
      - id: running
        title:
          vi: Container tên web đang chạy nginx
          en: A container called web runs nginx
        # The kinds are in lib/checker/kinds. A check reads state and history, never a command's text.
        check: { kind: docker.container, name: web, image: nginx, state: running }
    hints:
      - kind: nudge
        vi: "TODO: hướng người học nhìn đúng chỗ"
        en: "TODO: turn the learner's eye to the right place"
      - kind: concept
        vi: "TODO: ý cần hiểu"
        en: "TODO: the idea that is needed"
      - kind: shape
        vi: "\`docker run -d --name TÊN IMAGE\`"
        en: "\`docker run -d --name NAME IMAGE\`"
      - kind: command
        vi: "TODO: một câu đi cùng lệnh"
        en: "TODO: a sentence that goes with the command"
        command: docker run -d --name web nginx
# Meets every goal.
solution:
  - docker run -d --name web nginx
# What is asked again after 1, 3, 7 and 21 days: one or two tasks, commands that stand in for the skipped ones, a solution.
# Without it, the whole lesson.
review:
  tasks: [first]
  solution:
    - docker run -d --name web nginx
# At least two really different ways that also meet every goal.
routes:
  - name: "TODO: create, then start"
    commands:
      - docker create --name web nginx
      - docker start web
  - name: "TODO: pull first, an extra container beside it"
    commands:
      - docker pull nginx
      - docker run -d nginx
      - docker run -d --name web nginx:latest
# At least three likely mistakes: the goal that stays unmet, and part of what the learner is then told.
nearMisses:
  - name: "TODO: without a name"
    commands:
      - docker run -d nginx
    goal: running
    expect:
      vi: "Container \`web\`"
      en: "Container \`web\`"
  - name: "TODO: another image"
    commands:
      - docker run -d --name web httpd
    goal: running
    expect:
      vi: "Container \`web\`"
      en: "Container \`web\`"
  - name: "TODO: created, not started"
    commands:
      - docker create --name web nginx
    goal: running
    expect:
      vi: "Container \`web\`"
      en: "Container \`web\`"
# Exactly three questions.
quiz:
${[1, 2, 3].map(quiz).join("")}`,
  "vi.mdx": `Sau bài này bạn TODO: làm được gì.

TODO: hai câu, vì sao điều ấy đáng biết.

## TODO: bước đầu

<Cmd>docker run -d --name web nginx</Cmd>

<Task id="first" />

## Tóm lại

TODO: điều cần nhớ.

<Quiz />
`,
  "en.mdx": `After this lesson you can TODO: do what.

TODO: two sentences, why it is worth knowing.

## TODO: the first step

<Cmd>docker run -d --name web nginx</Cmd>

<Task id="first" />

## In short

TODO: what to remember.

<Quiz />
`,
});

const quiz = (number) => `  - question:
      vi: "TODO: câu hỏi ${number}"
      en: "TODO: question ${number}"
    options:
      - { vi: "TODO: đúng", en: "TODO: right" }
      - { vi: "TODO: sai", en: "TODO: wrong" }
    answer: 0
    why:
      vi: "TODO: vì sao"
      en: "TODO: why"
`;

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
  const [unit, id, course] = process.argv.slice(2);
  try {
    const path = relative(root, newLesson({ content: join(root, "content"), unit, id, ...(course ? { course } : {}) }));
    const places = ["lesson.yaml", "vi.mdx", "en.mdx"].map((name) => {
      const blanks = readFileSync(join(root, path, name), "utf8").split(BLANK).length - 1;
      return `  ${path}/${name}: ${blanks} × ${BLANK}`;
    });
    console.log(`Made ${path}. It is shown as it is; write over every ${BLANK}:

${places.join("\n")}

Goals first (the checks), then solution, routes and near-misses, then both texts: docs/recipes/lesson.md.
  npm run dev                          shows the page, and what is wrong, as you save
  npm run lessons:test -- -t ${id}`);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
