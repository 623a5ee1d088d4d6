/** Engine errors: a status and upstream's words, answered as `{"message": …}`. */
import type { ApiResponse } from "../../base/door";

export class ApiFailure extends Error {
  override name = "ApiFailure";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  response(): ApiResponse {
    return { status: this.status, headers: { "content-type": "application/json" }, body: { message: this.message } };
  }
}

export const badRequest = (message: string): ApiFailure => new ApiFailure(400, message);
export const notFound = (message: string): ApiFailure => new ApiFailure(404, message);
export const conflict = (message: string): ApiFailure => new ApiFailure(409, message);
export const forbidden = (message: string): ApiFailure => new ApiFailure(403, message);
export const systemError = (message: string): ApiFailure => new ApiFailure(500, message);
export const notImplemented = (message: string): ApiFailure => new ApiFailure(501, message);

export const noSuchContainer = (name: string): ApiFailure => notFound(`No such container: ${name}`);
export const noSuchImage = (name: string): ApiFailure => notFound(`No such image: ${name}`);
