/** The shape of lesson.yaml, course.yaml and glossary.yaml: everything a lesson says that is not prose. */
import * as z from "zod";

const id = z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, "ids are lower-case words joined by hyphens");

/** A sentence in both languages. Neither may be missing, and neither may be the other one copied. */
export const textSchema = z.strictObject({ vi: z.string().min(1), en: z.string().min(1) });

/** One thing a learner does: a line typed at the prompt, a pause, raw keys, or a file saved in the editor. */
export const commandSchema = z.union([
  z.string().min(1),
  z.strictObject({ wait: z.number().positive().max(86_400) }),
  z.strictObject({ keys: z.string().min(1) }),
  z.strictObject({ save: z.strictObject({ path: z.string().startsWith("/"), content: z.string() }) }),
]);

/** A check names its kind; the kind's other fields belong to lib/checker, which validates them. */
export const checkSchema = z.looseObject({ kind: z.string().min(1) });

export const goalSchema = z.strictObject({ id, title: textSchema, check: checkSchema });

export const hintSchema = z.strictObject({
  kind: z.enum(["nudge", "concept", "shape", "command"]),
  vi: z.string().min(1),
  en: z.string().min(1),
  /** Written into the prompt, never run for the learner. */
  command: z.string().min(1).optional(),
});

export const taskSchema = z.strictObject({
  id,
  title: textSchema,
  goals: z.array(goalSchema).min(1),
  hints: z.array(hintSchema).default([]),
});

export const startSchema = z.strictObject({
  scenario: z.string().min(1),
  seed: z.number().int().nonnegative(),
  files: z.record(z.string().startsWith("/"), z.string()).default({}),
  commands: z.array(z.string().min(1)).default([]),
  /** The id of a lesson of the same course whose solved world this one continues. */
  from: id.optional(),
});

export const quizSchema = z
  .strictObject({
    question: textSchema,
    options: z.array(textSchema).min(2).max(6),
    /** Index into `options`. */
    answer: z.number().int().nonnegative(),
    why: textSchema,
  })
  .refine((quiz) => quiz.answer < quiz.options.length, { message: "answer points past the options", path: ["answer"] });

/** One step of an incident's short path: what an experienced engineer would have typed, and what it told them. */
export const debriefStepSchema = z.strictObject({ command: z.string().min(1), why: textSchema });

/** What is asked again days later: some of the lesson's tasks, goals only, in a fresh world. */
export const reviewSchema = z.strictObject({
  /** Ids of one or two tasks. */
  tasks: z.array(id).min(1).max(2),
  /** Commands run before the learner arrives, after those of `start`: what the skipped tasks would have left behind. */
  commands: z.array(z.string().min(1)).default([]),
  /** Meets every goal of these tasks from there. */
  solution: z.array(commandSchema).min(1),
});

export const lessonSchema = z
  .strictObject({
    id,
    /** An incident starts broken and ends with a debrief; a capstone joins what earlier lessons taught. */
    kind: z.enum(["lesson", "incident", "capstone"]).default("lesson"),
    title: textSchema,
    summary: textSchema,
    minutes: z.number().int().min(1).max(120),
    start: startSchema,
    tasks: z.array(taskSchema).min(1),
    solution: z.array(commandSchema).min(1),
    routes: z.array(z.strictObject({ name: z.string().min(1), commands: z.array(commandSchema).min(1) })).default([]),
    nearMisses: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          commands: z.array(commandSchema),
          /** The goal that must stay unmet. */
          goal: id,
          /** Part of the explanation the learner must be given. */
          expect: textSchema,
        }),
      )
      .default([]),
    quiz: z.array(quizSchema).default([]),
    /** The short path, shown beside the learner's own once every goal is met. */
    debrief: z.array(debriefStepSchema).min(1).optional(),
    /** Absent: the whole lesson is asked again, as for an incident. */
    review: reviewSchema.optional(),
  })
  .superRefine((lesson, context) => {
    if (lesson.kind === "incident" && lesson.debrief === undefined)
      context.addIssue({ code: "custom", message: "an incident needs a debrief", path: ["kind"] });
    const goals = new Set<string>();
    const tasks = new Set<string>();
    for (const [t, task] of lesson.tasks.entries()) {
      if (tasks.has(task.id))
        context.addIssue({ code: "custom", message: `task "${task.id}" is there twice`, path: ["tasks", t, "id"] });
      tasks.add(task.id);
      for (const [g, goal] of task.goals.entries()) {
        const path = ["tasks", t, "goals", g, "id"];
        if (goals.has(goal.id)) context.addIssue({ code: "custom", message: `goal "${goal.id}" is there twice`, path });
        goals.add(goal.id);
      }
    }
    const asked = lesson.tasks.filter((task) => lesson.review?.tasks.includes(task.id));
    const askedGoals = asked.flatMap((task) => task.goals);
    for (const [n, task] of (lesson.review?.tasks ?? []).entries()) {
      if (!tasks.has(task))
        context.addIssue({ code: "custom", message: `no task is called "${task}"`, path: ["review", "tasks", n] });
    }
    for (const goal of askedGoals) {
      const after = goal.check["after"];
      if (typeof after === "string" && !askedGoals.some((other) => other.id === after)) {
        const message = `goal "${goal.id}" comes after "${after}", whose task is not reviewed`;
        context.addIssue({ code: "custom", message, path: ["review", "tasks"] });
      }
    }
    for (const [n, miss] of lesson.nearMisses.entries()) {
      const path = ["nearMisses", n, "goal"];
      if (!goals.has(miss.goal))
        context.addIssue({ code: "custom", message: `no goal is called "${miss.goal}"`, path });
    }
  });

export const courseSchema = z.strictObject({
  id,
  title: textSchema,
  summary: textSchema,
  audience: textSchema,
  units: z
    .array(z.strictObject({ folder: z.string().regex(/^\d\d-[a-z0-9-]+$/), title: textSchema, summary: textSchema }))
    .min(1),
});

export const glossarySchema = z
  .array(z.strictObject({ id, term: z.string().min(1), gloss: textSchema }))
  .superRefine((entries, context) => {
    const known = new Set<string>();
    for (const [index, entry] of entries.entries()) {
      if (known.has(entry.id))
        context.addIssue({ code: "custom", message: `"${entry.id}" is there twice`, path: [index, "id"] });
      known.add(entry.id);
    }
  });

export type Text = z.infer<typeof textSchema>;
export type LessonCommand = z.infer<typeof commandSchema>;
export type Check = z.infer<typeof checkSchema>;
export type Goal = z.infer<typeof goalSchema>;
export type Hint = z.infer<typeof hintSchema>;
export type Task = z.infer<typeof taskSchema>;
export type DebriefStep = z.infer<typeof debriefStepSchema>;
export type LessonKind = z.infer<typeof lessonSchema>["kind"];
export type Quiz = z.infer<typeof quizSchema>;
/** One validated lesson.yaml. */
export type LessonData = z.infer<typeof lessonSchema>;
export type CourseData = z.infer<typeof courseSchema>;
export type GlossaryEntry = z.infer<typeof glossarySchema>[number];

export { LANGUAGES, type Language } from "@/lib/i18n/languages";
