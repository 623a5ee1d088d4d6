/** The shelf of check kinds. A new kind is a new file and a line here. */
import type { CheckKind } from "../verdict";
import { all, any, not } from "./combine";
import { dockerContainer } from "./docker-container";
import { dockerEvent } from "./docker-event";
import { dockerImage } from "./docker-image";
import { dockerRequest } from "./docker-request";
import { file } from "./file";
import { httpExchange } from "./http-exchange";
import { kubernetesObject } from "./kubernetes-object";
import { kubernetesRequest } from "./kubernetes-request";
import { kubernetesService } from "./kubernetes-service";
import { kubernetesWorkload } from "./kubernetes-workload";

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
  httpExchange,
  file,
  all,
  any,
  not,
];
