/** Reviews: questions that are asked by creating an object which is never stored. */
import type { ApiResponse } from "../../base/door";
import type { Clock } from "../../base/clock";
import type { Draft } from "../apimachinery/resource";
import { badRequest, methodNotSupported, statusResponse } from "../apimachinery/status";
import type { KubeRequest } from "../apimachinery/transport";
import type { TokenAuthority } from "./authentication";
import type { AuthorizationAttributes, Authorizer } from "./authorization";
import type { RequestInfo } from "./request-info";
import type { UserInfo } from "./scope";

const AUTHORIZATION = "authorization.k8s.io/v1";
const AUTHENTICATION = "authentication.k8s.io/v1";

export class Reviews {
  readonly #authorizer: Authorizer;
  readonly #tokens: TokenAuthority;
  readonly #clock: Clock;

  constructor(authorizer: Authorizer, tokens: TokenAuthority, clock: Clock) {
    this.#authorizer = authorizer;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** The answer, when the path is one of these. */
  respond(request: KubeRequest, info: RequestInfo, user: UserInfo): ApiResponse | undefined {
    const answer = this.#answerer(`${info.groupVersion}/${info.resource}`);
    if (!answer) return undefined;
    if (info.verb !== "create")
      return statusResponse(methodNotSupported({ group: info.group, resource: info.resource }, info.verb));
    const body = request.body as Draft;
    if (typeof body !== "object" || body === null)
      return statusResponse(badRequest("couldn't get version/kind; json parse error: unexpected end of JSON input"));
    return { status: 201, headers: { "content-type": "application/json" }, body: answer(body, user, info) };
  }

  #answerer(resource: string): ((body: Draft, user: UserInfo, info: RequestInfo) => unknown) | undefined {
    switch (resource) {
      case `${AUTHORIZATION}/selfsubjectaccessreviews`:
        return (body, user) => this.#access("SelfSubjectAccessReview", body, user);
      case `${AUTHORIZATION}/subjectaccessreviews`:
        return (body) => this.#access("SubjectAccessReview", body, subjectOf(body));
      case `${AUTHORIZATION}/localsubjectaccessreviews`:
        return (body) => this.#access("LocalSubjectAccessReview", body, subjectOf(body));
      case `${AUTHORIZATION}/selfsubjectrulesreviews`:
        return (body, user) => this.#rules(body, user);
      case `${AUTHENTICATION}/selfsubjectreviews`:
        return (_body, user) => ({
          kind: "SelfSubjectReview",
          apiVersion: AUTHENTICATION,
          metadata: { creationTimestamp: null },
          status: { userInfo: userInfoOf(user) },
        });
      case `${AUTHENTICATION}/tokenreviews`:
        return (body) => this.#token(body);
      default:
        return undefined;
    }
  }

  #access(kind: string, body: Draft, user: UserInfo): unknown {
    const { resourceAttributes: r, nonResourceAttributes: n } = body.spec ?? {};
    const attributes: AuthorizationAttributes = {
      user,
      verb: r?.verb ?? n?.verb ?? "",
      isResource: r !== undefined,
      group: r?.group ?? "",
      resource: r?.resource ?? "",
      subresource: r?.subresource ?? "",
      namespace: r?.namespace ?? "",
      name: r?.name ?? "",
      path: n?.path ?? "",
    };
    const { allowed, reason } = this.#authorizer.authorize(attributes);
    return {
      kind,
      apiVersion: AUTHORIZATION,
      metadata: { ...body.metadata, creationTimestamp: null },
      spec: body.spec ?? {},
      status: { allowed, ...(reason ? { reason } : {}) },
    };
  }

  #rules(body: Draft, user: UserInfo): unknown {
    const namespace = body.spec?.namespace ?? "";
    const resourceRules: unknown[] = [];
    const nonResourceRules: unknown[] = [];
    const rules = this.#authorizer.rulesFor(user, namespace);
    for (const rule of rules) {
      if (rule.nonResourceURLs?.length)
        nonResourceRules.push({ verbs: rule.verbs, nonResourceURLs: rule.nonResourceURLs });
      else {
        resourceRules.push({
          verbs: rule.verbs,
          apiGroups: rule.apiGroups,
          resources: rule.resources,
          ...(rule.resourceNames?.length ? { resourceNames: rule.resourceNames } : {}),
        });
      }
    }
    return {
      kind: "SelfSubjectRulesReview",
      apiVersion: AUTHORIZATION,
      metadata: { creationTimestamp: null },
      spec: {},
      status: { resourceRules, nonResourceRules, incomplete: false },
    };
  }

  #token(body: Draft): unknown {
    const user = this.#tokens.check(body.spec?.token ?? "", this.#clock.now());
    return {
      kind: "TokenReview",
      apiVersion: AUTHENTICATION,
      metadata: { creationTimestamp: null },
      spec: body.spec ?? {},
      status: user
        ? { authenticated: true, user: userInfoOf(user), audiences: ["https://kubernetes.default.svc.cluster.local"] }
        : { user: {}, error: "invalid bearer token" },
    };
  }
}

const subjectOf = (body: Draft): UserInfo => ({
  name: body.spec?.user ?? "",
  groups: body.spec?.groups ?? [],
  ...(body.spec?.uid ? { uid: body.spec.uid } : {}),
});

const userInfoOf = (user: UserInfo): unknown => ({
  username: user.name,
  ...(user.uid ? { uid: user.uid } : {}),
  groups: user.groups,
  ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
});
