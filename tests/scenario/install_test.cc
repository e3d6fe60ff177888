#include "words.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::test::install_test {
namespace {

namespace fs = std::filesystem;

// What `cmake --install` lays under a folder of the test's own; gone with the object.
class Installed {
 public:
  Installed() : root_("/tmp/crypelab-installed-" + std::to_string(getpid())) {
    const auto done =
        shell("DESTDIR=" + root_ + " cmake --install " + one_word(CRYPELAB_BIN "/..") + " --prefix /opt/lab");
    EXPECT_EQ(done.status, 0) << done.out << done.err;
  }
  ~Installed() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;
  std::string path(const std::string& below) const { return root_ + "/opt/lab/" + below; }

 private:
  std::string root_;
};

TEST(Install, an_installed_program_finds_its_scenarios_and_its_companions) {
  const Installed installed;
  const auto list = shell("cd / && " + installed.path("bin/crypelab") + " list");
  EXPECT_EQ(list.status, 0) << list.err;
  EXPECT_NE(list.out.find("\nudp/s11-dropped"), std::string::npos) << list.out;
  const auto measured = shell("cd / && " + installed.path("bin/crypelab") + " measure --quick nat/s03-port-filtering");
  EXPECT_EQ(measured.status, 0) << measured.out << measured.err;
}

TEST(Install, manual_and_completions_lie_where_they_are_looked_for) {
  const Installed installed;
  EXPECT_TRUE(fs::exists(installed.path("share/man/man1/crypelab.1")));
  const auto bash = shell("bash -n " + installed.path("share/bash-completion/completions/crypelab"));
  EXPECT_EQ(bash.status, 0) << bash.err;
  EXPECT_TRUE(fs::exists(installed.path("share/zsh/site-functions/_crypelab")));
}

}  // namespace
}  // namespace crypelab::test::install_test
