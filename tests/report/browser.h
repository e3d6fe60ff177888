#pragma once

#include "../unit/evidence/temporary_folder.h"

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace crypelab::report {

// What a headless Chromium makes of a page in a file: the document after its scripts have run. Nothing is asked of any
// network.
inline std::string document_of(const std::string& html, const std::string& fragment) {
  const evidence::TemporaryFolder folder;
  evidence::put(folder.path() / "index.html", html);
  const auto command = fmt::format(
      "timeout 50 '{}' --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
      "--host-resolver-rules='MAP * ~NOTFOUND' --user-data-dir='{}' --dump-dom 'file://{}#{}' 2>/dev/null",
      CHROMIUM, (folder.path() / "profile").string(), (folder.path() / "index.html").string(), fragment);
  const auto close = [](std::FILE* pipe) { ::pclose(pipe); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(::popen(command.c_str(), "r"), close);
  if (!pipe) throw std::runtime_error("popen");
  std::string document;
  char buffer[65'536];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe.get())) > 0;) document.append(buffer, n);
  return document;
}

// What stands between the first `from` and the `to` that follows it; empty if there is none.
inline std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const auto begin = text.find(from);
  if (begin == std::string::npos) return {};
  const auto end = text.find(to, begin + from.size());
  return end == std::string::npos ? std::string() : text.substr(begin + from.size(), end - begin - from.size());
}

}  // namespace crypelab::report
