/** The shelf of check kinds. A new kind is a new file and a line here. */
import type { CheckKind } from "../verdict";
import { all, any, not } from "./combine";
import { dockerContainer } from "./docker-container";
import { dockerEvent } from "./docker-event";
import { dockerImage } from "./docker-image";
import { dockerRequest } from "./docker-request";
import { file } from "./file";
import { httpExchange } from "./http-exchange";
import { kubernetesLog } from "./kubernetes-log";
import { kubernetesObject } from "./kubernetes-object";
import { kubernetesProxy } from "./kubernetes-proxy";
import { kubernetesRequest } from "./kubernetes-request";
import { kubernetesService } from "./kubernetes-service";
import { kubernetesTogether } from "./kubernetes-together";
import { kubernetesWorkload } from "./kubernetes-workload";
import { nodeUnit } from "./node-unit";
import { program } from "./program";

// biome-ignore lint/suspicious/noExplicitAny: each kind takes its own data, validated by its own schema.
export const checkKinds: readonly CheckKind<any>[] = [
  dockerContainer,
  dockerImage,
  dockerEvent,
  dockerRequest,
  kubernetesObject,
  kubernetesWorkload,
  kubernetesService,
  kubernetesRequest,
  kubernetesLog,
  kubernetesTogether,
  kubernetesProxy,
  httpExchange,
  file,
  program,
  nodeUnit,
  all,
  any,
  not,
];
