/** Tools that are fetched when first used. Their part is called "tools". */
export { gzip, tar } from "./archive";
export { awk } from "./awk";
export { base64, checksum, cmp, dd, hexdump, od, xxd } from "./binary";
export { diff } from "./diff";
export { find, xargs } from "./find";
export { jq, yq } from "./jq";
export { editorTool, less, man } from "./pager";
export { free, kill, killall, lsof, pgrep, pidof, ps, psWithoutTime, stress, top, uptime } from "./processes";
export { sed } from "./sed";
export { df, dmesg, du, file, mount, stat } from "./system";
export { date } from "./date";
export {
  env,
  expr,
  getconf,
  hostname,
  nice,
  nohup,
  printenv,
  stty,
  test,
  time,
  timeout,
  tput,
  tty,
  uname,
  watch,
  which,
} from "./environment";
export {
  basename,
  chmod,
  chown,
  cp,
  dirname,
  ln,
  mkdir,
  mkfifo,
  mktemp,
  mv,
  pwd,
  readlink,
  realpath,
  rm,
  rmdir,
  touch,
} from "./files";
export { grep } from "./grep";
export { ls } from "./ls";
export {
  column,
  comm,
  cut,
  expand,
  fold,
  join,
  nl,
  paste,
  shuf,
  sort,
  split,
  strings,
  tee,
  tr,
  uniq,
  wc,
} from "./text";
export { groups, id, whoami } from "./users";
