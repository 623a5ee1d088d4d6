/** Provides every part: for whatever is no page. A page fetches each of these files when it is needed, or before. */
import "./api-texts";
import "./build";
import "./docker-cli";
import "./kubectl";
import "./net-tools";
import "./servers";
import "./tools";
