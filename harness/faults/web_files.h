#pragma once

#include "harness/faults/web_server.h"

#include <string_view>
#include <vector>

// A web server that serves given files, as they are: a PAC file, a page.
namespace crypelab::faults {

struct WebFile {
  std::string path;  // "/wpad.dat"
  std::string content;
  std::string type = "text/html";
  unsigned status = 200;
  std::chrono::milliseconds delay{0};
  bool never = false;  // connections are taken, and nothing is ever answered
};

struct WebFilesSettings {
  WebPlaces places;
  std::vector<WebFile> files;
};

// From JSON: {"listen": [...], "tls_listen": [...], "certificate": FILE, "key": FILE, "files": [{"path", "file",
// "type", "status", "delay_ms", "never"}]}. Reads the files. Throws Failure{data} that says what is wrong.
WebFilesSettings parse_web_files(std::string_view json);

// What is answered to a request; 404 for what is not there, 405 for methods other than GET and HEAD.
WebReply serve_file(const std::vector<WebFile>& files, const WebRequest& request);

}  // namespace crypelab::faults
