/** /images, /build and /auth. */
import type { Bytes } from "../../base/bytes";
import { decodeUtf8 } from "../../base/bytes";
import type { ApiResponse } from "../../base/door";
import type { Task } from "../../base/task";
import type { Credentials } from "../../containerd/api";
import { configBlob, manifestBlob } from "../../containerd/images";
import { pullFailureMessage, reachRegistry, resolveImage } from "../../containerd/pull";
import { parseReference, withDefaultTag } from "../../containerd/reference";
import { HttpFailure, httpRequest } from "../../net/http";
import { ApiFailure, badRequest } from "../api/failure";
import { readFilters } from "../api/filters";
import { Part } from "../../base/part";
import type * as builders from "./build/build";
import { pruneBuildCache } from "./build/cache";
import { importArchive } from "./commit";
import type { Daemon } from "./daemon";
import { deleteImage } from "./image-delete";
import { imageFilters, imageHistory, inspectImage, listImages, tagImage } from "./images";
import { pruneImages } from "./prune";
import { pullRoute, pushRoute, searchRoute } from "./pull";
import { type Route, type RouteRequest, json, noContent, route } from "./route";
import { loadImages, saveImages } from "./save-load";
import { streamResponse } from "./streams";

/** X-Registry-Auth: base64url of a JSON object; a plain JSON text is accepted too. */
export function credentialsOf(request: RouteRequest): Credentials | undefined {
  const header = request.header("x-registry-auth");
  if (!header) return undefined;
  try {
    const text = header.startsWith("{") ? header : decodeUtf8(fromBase64(header));
    const { username, password } = JSON.parse(text) as Partial<Credentials>;
    return username ? { username, password: password ?? "" } : undefined;
  } catch {
    return undefined;
  }
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function fromBase64(text: string): Bytes {
  let bits = 0;
  let value = 0;
  let out = "";
  for (const c of text.replace(/-/g, "+").replace(/_/g, "/").replace(/=+$/, "")) {
    value = ((value << 6) | ALPHABET.indexOf(c)) & 0xffffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += String.fromCharCode((value >> bits) & 255);
  }
  return out as Bytes;
}

/** The code of both builders, which a page may load later; parts/build.ts provides it. */
export const imageBuilders = new Part<typeof builders>("build");

export const imageRoutes: readonly Route[] = [
  route("GET", "/images/json", function* (daemon, request) {
    const filters = readFilters(request.query("filters"), imageFilters);
    return json(
      listImages(daemon, {
        all: request.flag("all"),
        filters,
        sharedSize: request.flag("shared-size"),
        digests: request.flag("digests"),
      }),
    );
  }),
  route("POST", "/images/create", function* (daemon, request) {
    const name = request.query("fromImage");
    if (name) {
      const tag = request.query("tag");
      return yield* pullRoute(daemon, {
        name,
        tag,
        platform: request.query("platform"),
        credentials: credentialsOf(request),
      });
    }
    return yield* importRoute(daemon, request);
  }),
  route("GET", "/images/search", function* (daemon, request) {
    readFilters(request.query("filters"), ["is-automated", "is-official", "stars"]);
    const limit = request.number("limit") || 25;
    return json(yield* searchRoute(daemon, request.query("term") ?? "", limit));
  }),
  route("POST", "/images/load", function* (daemon, request) {
    return streamResponse(daemon.loop, function* (writer) {
      let lines: readonly string[];
      try {
        lines = loadImages(daemon, (request.request.body ?? "") as Bytes);
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        writer.message({ error: error.message, errorDetail: { message: error.message } });
        return;
      }
      for (const line of lines) writer.message({ stream: `${line}\n` });
    });
  }),
  route("GET", "/images/get", function* (daemon, request) {
    return {
      status: 200,
      headers: { "content-type": "application/x-tar" },
      body: saveImages(daemon, request.queryAll("names")),
    };
  }),
  route("POST", "/images/prune", function* (daemon, request) {
    return json(pruneImages(daemon, readFilters(request.query("filters"), ["dangling", "label", "label!", "until"])));
  }),
  route("GET", "/images/:name*/json", function* (daemon, request) {
    return json(inspectImage(daemon, daemon.image(request.param())));
  }),
  route("GET", "/images/:name*/history", function* (daemon, request) {
    return json(imageHistory(daemon, daemon.image(request.param())));
  }),
  route("GET", "/images/:name*/get", function* (daemon, request) {
    return {
      status: 200,
      headers: { "content-type": "application/x-tar" },
      body: saveImages(daemon, [request.param()]),
    };
  }),
  route("POST", "/images/:name*/push", function* (daemon, request) {
    return yield* pushRoute(daemon, {
      name: request.param(),
      tag: request.query("tag"),
      credentials: credentialsOf(request),
    });
  }),
  route("POST", "/images/:name*/tag", function* (daemon, request) {
    const repository = request.query("repo") ?? "";
    const tag = request.query("tag") ?? "";
    const reference = parseReference(tag === "" ? repository : `${repository}:${tag}`);
    if (!reference.ok) throw badRequest(reference.error);
    if (reference.value.digest) throw badRequest("refusing to create a tag with a digest reference");
    tagImage(daemon, daemon.image(request.param()), withDefaultTag(reference.value));
    return noContent(201);
  }),
  route("DELETE", "/images/:name*", function* (daemon, request) {
    return json(
      deleteImage(daemon, request.param(), { force: request.flag("force"), prune: !request.flag("noprune") }),
    );
  }),
  route("GET", "/distribution/:name*/json", function* (daemon, request) {
    const reference = parseReference(request.param());
    if (!reference.ok) throw badRequest(reference.error);
    const wanted = withDefaultTag(reference.value);
    const credentials = credentialsOf(request);
    const found = yield* resolveImage(daemon.containerd, wanted, credentials ? { credentials } : {});
    if ("kind" in found)
      throw new ApiFailure(found.kind === "unreachable" ? 500 : 404, pullFailureMessage(wanted, found));
    const { image } = found;
    return json({
      Descriptor: {
        mediaType: "application/vnd.docker.distribution.manifest.v2+json",
        digest: image.manifestDigest,
        size: manifestBlob(configBlob(image), image.layers).length,
      },
      Manifest: JSON.parse(manifestBlob(configBlob(image), image.layers)) as unknown,
      Platforms: [{ architecture: image.architecture, os: image.os }],
    });
  }),
  route("POST", "/auth", function* (daemon, request) {
    const {
      username = "",
      password = "",
      serveraddress = "",
    } = request.body<{ username?: string; password?: string; serveraddress?: string }>();
    const domain = /index\.docker\.io|^docker\.io|^$|registry-1\.docker\.io/.test(serveraddress)
      ? "docker.io"
      : serveraddress.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const server = domain === "docker.io" ? "registry-1.docker.io" : domain;
    const scheme = /^(?:127\.|localhost)/.test(domain) ? "http" : "https";
    const registry = yield* reachRegistry(daemon.containerd, domain);
    if ("kind" in registry) throw new ApiFailure(500, registry.message);
    if (registry.hasUsers && !registry.authenticate({ username, password }))
      throw new ApiFailure(401, `Get "${scheme}://${server}/v2/": unauthorized: incorrect username or password`);
    return json({ Status: "Login Succeeded", IdentityToken: "" });
  }),
  route("POST", "/build", function* (daemon, request) {
    const code = yield* imageBuilders.use(daemon.loop);
    return yield* code.buildRoute(daemon, request, credentialsOf(request));
  }),
  route("POST", "/build/prune", function* (daemon, request) {
    const filters = readFilters(request.query("filters"), [
      "id",
      "parent",
      "type",
      "description",
      "inuse",
      "shared",
      "private",
      "until",
      "unused-for",
    ]);
    return json(pruneBuildCache(daemon, { all: request.flag("all"), filters }));
  }),
];

function* importRoute(daemon: Daemon, request: RouteRequest): Task<ApiResponse> {
  const source = request.query("fromSrc") ?? "-";
  let archive = (request.request.body ?? "") as Bytes;
  if (source !== "-") {
    const url = source.includes("://") ? source : `http://${source}`;
    try {
      const response = yield* httpRequest(daemon.process, { url, timeoutMs: 30_000 });
      if (response.status >= 400) throw new ApiFailure(500, `Got HTTP status code >= 400: ${response.status}`);
      archive = response.body;
    } catch (error) {
      if (error instanceof HttpFailure) throw new ApiFailure(500, `Get "${url}": ${error.message}`);
      throw error;
    }
  }
  const repository = request.query("repo") ?? "";
  const tag = request.query("tag") ?? "";
  const image = importArchive(daemon, archive, {
    message: request.query("message") ?? "",
    changes: request.queryAll("changes"),
    reference: tag === "" ? repository : `${repository}:${tag}`,
  });
  return streamResponse(daemon.loop, function* (writer) {
    writer.message({ status: image.id });
  });
}
