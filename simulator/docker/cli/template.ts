/** What the CLI's own templates need of Go: functions and JSON. */
export { goJson, goJsonIndent } from "../../text/go-json";
export { type GoStruct, compileTemplate } from "../../text/go-template";
export { DOCKER_FUNCTIONS } from "../../text/go-template-functions";
