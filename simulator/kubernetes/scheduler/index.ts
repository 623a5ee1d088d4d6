/** The scheduler's door. */
export { plugins } from "./plugins";
export { Scheduler } from "./scheduler";
