/** Provides the part "build": the engine's two builders of images. */
import * as code from "../docker/dockerd/build/build";
import { imageBuilders } from "../docker/dockerd/routes-images";

imageBuilders.provide(code);
