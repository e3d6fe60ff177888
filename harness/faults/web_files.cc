#include "harness/faults/web_files.h"

#include "harness/base/error.h"
#include "harness/faults/commands.h"
#include "harness/faults/settings_json.h"

#include <algorithm>
#include <csignal>

#include <unistd.h>

namespace crypelab::faults {

WebFilesSettings parse_web_files(std::string_view json) {
  const auto object = parse_settings_object(json);
  SettingsReader reader(object, "files");
  WebFilesSettings settings;
  settings.places = {reader.endpoints("listen"), reader.endpoints("tls_listen"), reader.text("certificate"),
                     reader.text("key")};
  if (settings.places.plain.empty() && settings.places.tls.empty()) reader.complain("listen", "a list of endpoints");
  for (const auto& value : reader.list("files")) {
    if (!value.is_object()) reader.complain("files", "a list of objects");
    SettingsReader entry(value.get_object(), "file");
    WebFile file;
    file.path = entry.text("path");
    if (!file.path.starts_with('/')) entry.complain("path", "a path like /wpad.dat");
    if (const auto name = entry.text("file"); !name.empty()) file.content = read_settings_file(name);
    if (const auto type = entry.text("type"); !type.empty()) file.type = type;
    file.status = static_cast<unsigned>(entry.number("status", 599).value_or(200));
    file.delay = entry.time("delay_ms").value_or(file.delay);
    file.never = entry.flag("never");
    entry.finish();
    settings.files.push_back(std::move(file));
  }
  reader.finish();
  return settings;
}

WebReply serve_file(const std::vector<WebFile>& files, const WebRequest& request) {
  WebReply reply;
  if (request.head.method != "GET" && request.head.method != "HEAD") {
    reply.status = 405;
    return reply;
  }
  const auto path = request.head.target.substr(0, request.head.target.find('?'));
  const auto file = std::ranges::find(files, path, &WebFile::path);
  if (file == files.end()) {
    reply.status = 404;
    return reply;
  }
  reply.status = file->status;
  reply.type = file->type;
  reply.body = file->content;
  reply.delay = file->delay;
  reply.never = file->never;
  return reply;
}

int run_files(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw Failure(Exit::usage, "usage: crypelab-faults files SETTINGS.json");
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_errno("signal");
  const auto settings = parse_web_files(read_settings_file(arguments.front()));
  Journal journal(STDOUT_FILENO);
  WebServer(
      settings.places, [&](const WebRequest& request) { return serve_file(settings.files, request); }, journal)
      .run();
  return 0;
}

}  // namespace crypelab::faults
