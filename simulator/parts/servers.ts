/** Provides the part "servers": nginx, redis and other programs that images bring. */
import { imageServers } from "../images/index";
import * as code from "../images/servers";

imageServers.provide(code);
