/** Provides the part "docker-cli": the docker CLI. */
import * as code from "../docker/cli/docker";
import { dockerCli } from "../machine/parts";

dockerCli.provide(code);
