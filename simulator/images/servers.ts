/** Programs of images that are fetched when first run. Their part is called "servers". */
export { databasePrograms } from "./databases";
export { languagePrograms } from "./languages";
export { nginxProgram as nginx } from "./nginx";
export { apk, aptGet, npm, pip } from "./packages";
export { redisCli, redisServer } from "./redis";
