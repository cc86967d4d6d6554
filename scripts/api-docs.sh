#!/usr/bin/env bash
# Makes the API reference, static pages in artifacts/api, from the built assemblies and their documentation comments. That every public
# member has one, and that what it refers to exists, is the compiler's business (warnings are errors); links between pages are docfx'.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

require_dotnet
cd "$root"
dotnet tool restore >/dev/null || { say "The tool docfx cannot be restored."; exit 1; }
build src/GemmaScope.Server
rm -rf artifacts/api artifacts/api-metadata
say "Reading the assemblies."
dotnet docfx metadata docs/api/docfx.json --logLevel error
say "Writing the pages."
dotnet docfx build docs/api/docfx.json --logLevel warning --warningsAsErrors
say "The reference is artifacts/api/index.html; dotnet docfx serve artifacts/api shows it."
