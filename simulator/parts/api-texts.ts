/** Provides the part "api-texts": what kubectl explain says of kinds and fields. */
import { apiTexts } from "../machine/parts";
import { apiTextsJson } from "./api-texts.generated";

apiTexts.provide(JSON.parse(apiTextsJson));
