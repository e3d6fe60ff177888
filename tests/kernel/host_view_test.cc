#include "harness/kernel/host_view.h"

#include "harness/kernel/host_etc.h"
#include "site.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace crypelab::kernel::testing::host_view_test {
namespace {

namespace fs = std::filesystem;

class HostViewTest : public ::testing::TestWithParam<Caller> {};
INSTANTIATE_TEST_SUITE_P(Lab, HostViewTest, ::testing::ValuesIn(callers()), name_of);

// A self-signed certificate.
std::string make_authority(const std::string& name) {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  const std::vector<unsigned char> text(name.begin(), name.end());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text.data(), static_cast<int>(text.size()), -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pem;
}

// A folder that anybody may write, and its removal.
class OpenFolder {
 public:
  OpenFolder() : path_("/tmp/crypelab-test-" + std::to_string(::getpid())) {
    fs::create_directory(path_);
    fs::permissions(path_, fs::perms::all);
  }
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;
  ~OpenFolder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_P(HostViewTest, the_root_is_read_only) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    EXPECT_EQ(
        site.output(
            "for d in / /etc /usr /usr/bin /var /dev /opt /sys /home; do touch $d/x 2>/dev/null && echo $d; done"),
        "");
    EXPECT_EQ(site.output("for d in /tmp /var/tmp /run /dev/shm $HOME /home/user; do touch $d/x || echo $d; done"), "");
  });
}

TEST_P(HostViewTest, no_file_of_the_machine_outside_is_writable) {
  const OpenFolder folder;
  std::ofstream(folder.path() + "/file") << "outside";
  fs::permissions(folder.path() + "/file", fs::perms::all);
  in_a_lab(GetParam(), [&](Supervised& lab) {
    Site site(lab, [&](HostViewPlan& plan) { plan.visible = {folder.path()}; });
    const std::string file = folder.path() + "/file";
    EXPECT_EQ(site.output("cat " + file), "outside");
    EXPECT_NE(site.run("echo x > " + file).value, 0);
    EXPECT_NE(site.run("rm " + file).value, 0);
    EXPECT_NE(site.run("chmod 600 " + file).value, 0);
    // Neither the user of the host nor the powers of a privileged shell change that.
    ProgramPlan powerful = site.shell("chmod 600 /dev/null " + file + " /usr /etc/.machine/passwd; echo x > " + file +
                                      "; touch /usr/x /etc/.machine/x");
    powerful.descriptors = {};
    powerful.identity.reset();
    powerful.capabilities = privileged_capabilities();
    EXPECT_NE(Program(powerful).wait().value, 0);
    // The settings of its own network are the only ones of the kernel.
    powerful.arguments.back() =
        "for f in kernel/panic kernel/core_pattern vm/swappiness fs/file-max net/ipv4/ip_forward; do [ -w /proc/sys/$f "
        "] && echo $f; done;"
        "for f in /proc/sysrq-trigger /sys/power/state /sys/kernel/uevent_helper; do [ -w $f ] && echo $f; done";
    EXPECT_EQ(site.output(powerful), "net/ipv4/ip_forward\n");
    EXPECT_EQ(site.output("find / -xdev -writable -type f 2>/dev/null"), "");
  });
  EXPECT_EQ(fs::status(folder.path() + "/file").permissions(), fs::perms::all);
  std::string text;
  std::getline(std::ifstream(folder.path() + "/file"), text);
  EXPECT_EQ(text, "outside");
  EXPECT_EQ(fs::status("/dev/null").permissions(), fs::perms(0666));
}

TEST_P(HostViewTest, what_is_visible_are_only_the_planned_folders) {
  const OpenFolder folder;
  fs::create_directory(folder.path() + "/shown");
  fs::create_directory(folder.path() + "/hidden");
  in_a_lab(GetParam(), [&](Supervised& lab) {
    Site site(lab, [&](HostViewPlan& plan) { plan.visible = {folder.path() + "/shown"}; });
    EXPECT_EQ(site.output("ls " + folder.path()), "shown\n");
    EXPECT_EQ(site.output("ls /home"), "user\n");
    EXPECT_EQ(site.output("ls -d /root /mnt /srv /boot /media /.outside 2>/dev/null"), "");
    EXPECT_EQ(
        site.output("for f in shadow shadow- gshadow sudoers ssh/sshd_config ssl/private; do "
                    "[ -s /etc/$f ] && echo $f; [ -s /etc/.machine/$f ] && [ -f /etc/.machine/$f ] && echo .$f; done"),
        "");
    EXPECT_EQ(site.output("ls /etc/.machine/ssl /etc/.machine/ssh 2>/dev/null"),
              "/etc/.machine/ssh:\n\n/etc/.machine/ssl:\n");
    EXPECT_NE(site.output("awk 'BEGIN { print 1 }'"), "") << "by way of /etc/alternatives";
  });
}

TEST(HostView, what_a_host_has_of_its_own_cannot_be_made_visible) {
  for (const char* path :
       {"",        "/",          "//",       "relative", "/etc",         "/etc/",     "/etc/shadow", "/proc",
        "/proc/1", "/dev",       "/dev/vda", "/sys",     "/run",         "/run/nscd", "/tmp",        "/tmp/",
        "/home",   "/home/user", "/var",     "/var/tmp", "/work/../etc", "/work/.."})
    EXPECT_FALSE(may_be_visible(path)) << path;
  for (const char* path :
       {"/tmp/x", "/home/somebody", "/home/user2", "/work/build/bin", "/opt/driver", "/etcetera", "/var/lib/driver"})
    EXPECT_TRUE(may_be_visible(path)) << path;
}

TEST_P(HostViewTest, a_program_has_the_names_of_its_host) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    EXPECT_EQ(site.output("hostname; cat /etc/hostname"), "alice\nalice\n");
    EXPECT_EQ(site.output("getent hosts alice.office.test"), "10.20.0.2       alice.office.test\n");
    EXPECT_EQ(site.output("cat /etc/resolv.conf"), "nameserver 10.20.0.1\n");
    EXPECT_EQ(site.output("getent passwd $(id -u) | cut -d: -f6"), "/home/user\n");
  });
}

TEST_P(HostViewTest, no_process_of_another_host_is_visible) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site here(lab, 1), there(lab, 2);
    const Pipe pipe;
    ProgramPlan plan = there.shell("echo up; sleep 1000");
    plan.descriptors = {-1, pipe.writer()};
    const Program other(plan);
    pipe.hear();
    EXPECT_EQ(here.output("ls -d /proc/[0-9]*"), "/proc/1\n/proc/2\n") << "its first process and the shell";
    EXPECT_NE(here.run("kill -9 -1; kill -0 4").value, 0);
  });
}

TEST_P(HostViewTest, files_are_shared_by_the_programs_of_one_host_only) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site here(lab, 1), there(lab, 2);
    EXPECT_EQ(
        here.run("echo mine > /tmp/a; echo mine > /home/user/a; echo mine > /run/a; echo mine > /dev/shm/a").value, 0);
    EXPECT_EQ(here.output("cat /tmp/a /home/user/a /run/a"), "mine\nmine\nmine\n");
    EXPECT_EQ(here.output("ls /dev/shm"), "") << "of its own for each program";
    EXPECT_EQ(there.output("ls /tmp /home/user /run"), "/home/user:\n\n/run:\n\n/tmp:\n");
  });
  EXPECT_FALSE(fs::exists("/tmp/a"));
}

TEST_P(HostViewTest, a_full_home_is_bounded) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab, [](HostViewPlan& plan) {
      plan.home_bytes = 1U << 20U;
      plan.temporary_bytes = 1U << 20U;
      plan.most_files = 50;
    });
    for (const char* folder : {"/home/user", "/tmp", "/run"}) {
      const std::string path = folder;
      EXPECT_NE(site.run("dd if=/dev/zero of=" + path + "/large bs=64k count=32").value, 0) << path;
      EXPECT_EQ(site.output("stat -c %s " + path + "/large"), "1048576\n");
      EXPECT_EQ(site.run("rm " + path + "/large; i=0; while [ $i -lt 60 ]; do : > " + path +
                         "/f$i || exit 7; i=$((i+1)); done")
                    .exit_status(),
                2);
    }
  });
}

TEST_P(HostViewTest, the_resolver_of_the_machine_does_not_leak_in) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    // What nscd, systemd-resolved and the message bus listen on, in the machine's /run as the supervisor sees it.
    if (::mount("tmpfs", "/run", "tmpfs", 0, nullptr) < 0) throw_errno("a /run for the test");
    // A name that the machine's own files know.
    std::ofstream("/run/hosts") << "192.0.2.7 only-outside.test\n";
    if (::mount("/run/hosts", "/etc/hosts", nullptr, MS_BIND, nullptr) < 0) throw_errno("a hosts file for the test");
    addrinfo* known = nullptr;
    ASSERT_EQ(::getaddrinfo("only-outside.test", nullptr, nullptr, &known), 0);
    ::freeaddrinfo(known);
    for (const char* path :
         {"/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve", "/run/dbus/system_bus_socket"}) {
      fs::create_directories(fs::path(path).parent_path());
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      ::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
      const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
      ASSERT_EQ(::listen(listener, 5), 0);
    }
    Site site(lab);
    EXPECT_EQ(site.output("find /run/ -mindepth 1; find / -xdev -type s 2>/dev/null"), "");
    EXPECT_EQ(site.output("grep ^hosts: /etc/nsswitch.conf"), "hosts: files dns\n");
    EXPECT_NE(site.run("getent hosts only-outside.test").value, 0);
    EXPECT_EQ(site.output("getent hosts localhost"), "127.0.0.1       localhost\n");
  });
}

TEST_P(HostViewTest, the_host_trusts_the_labs_authority) {
  const std::string pem = make_authority("Lab authority") + make_authority("Another");
  in_a_lab(GetParam(), [&](Supervised& lab) {
    Site site(lab, [&](HostViewPlan& plan) { plan.authorities = pem; });
    EXPECT_EQ(site.output("cat /etc/ssl/certs/ca-certificates.crt"), pem);
    EXPECT_EQ(site.output("openssl verify -CApath /etc/ssl/certs /etc/ssl/certs/*.0 | grep -c OK"), "2\n");
    EXPECT_EQ(site.output("openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/*.0 | grep -c OK"),
              "2\n");
    Site bare(lab);
    EXPECT_EQ(bare.output("cat /etc/ssl/certs/*"), "") << "nothing of the machine's own";
    Site both(lab, [&](HostViewPlan& plan) {
      plan.authorities = pem;
      plan.machine_authorities = true;
    });
    EXPECT_GT(std::stoi("0" + both.output("grep -c BEGIN /etc/ssl/certs/ca-certificates.crt")), 2);
  });
}

TEST(HostView, a_trust_store_without_a_certificate_is_an_error) {
  EXPECT_THROW(hashed_certificates("not a certificate"), Failure);
  const std::string pem = make_authority("Twin");
  const auto files = hashed_certificates(pem + pem);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_TRUE(files.begin()->first.ends_with(".0"));
  EXPECT_TRUE(std::next(files.begin())->first.ends_with(".1"));
}

TEST_P(HostViewTest, planned_files_are_there_and_belong_to_whom_they_should) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab, [](HostViewPlan& plan) {
      plan.files = {{"/etc/ssl/openssl.cnf", "own"},
                    {"/etc/alternatives/mine", "x"},
                    {"/home/user/.config/app/settings", "s"},
                    {"/var/lib/squid/a", "b"}};
      plan.writable = {"/var/lib/squid", "/var/log/squid"};
    });
    EXPECT_EQ(site.output("cat /etc/ssl/openssl.cnf /etc/alternatives/mine"), "ownx");
    EXPECT_NE(site.output("awk 'BEGIN { print 1 }'"), "") << "the rest of the folder is still the machine's";
    EXPECT_EQ(site.run("echo t > /home/user/.config/app/settings && rm /home/user/.config/app/settings").value, 0);
    EXPECT_EQ(site.run("touch /home/user/.config/x /var/lib/squid/x /var/log/squid/x && rm /var/lib/squid/a").value, 0);
    EXPECT_NE(site.run("echo t > /etc/ssl/openssl.cnf").value, 0);
  });
}

TEST_P(HostViewTest, a_file_changes_while_programs_run) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    site.view().write("/etc/hosts", "10.9.9.9 changed.test\n");
    EXPECT_EQ(site.output("getent hosts changed.test"), "10.9.9.9        changed.test\n");
    EXPECT_EQ(
        site.run("echo result > /home/user/result; ln -s /etc/hosts /home/user/link; mkfifo /home/user/fifo").value, 0);
    std::array<char, 32> text{};
    EXPECT_EQ(::read(site.view().open("/home/user/result").get(), text.data(), text.size()), 7);
    EXPECT_THROW(site.view().open("/home/user/fifo"), Failure);
    EXPECT_THROW(site.view().open("/home/user/missing"), Failure);
  });
}

TEST_P(HostViewTest, no_link_of_a_program_leads_the_lab_out_of_the_view) {
  const OpenFolder folder;
  in_a_lab(GetParam(), [&](Supervised& lab) {
    Site site(lab);
    EXPECT_EQ(site.run("ln -s " + folder.path() + " /home/user/out; ln -s ../../../../../" + folder.path() +
                       " /home/user/up; ln -s /proc/1/root /home/user/magic")
                  .value,
              0);
    EXPECT_THROW(site.view().write("/home/user/out/x", "x"), Failure);
    EXPECT_THROW(site.view().write("/home/user/up/x", "x"), Failure);
    EXPECT_THROW(site.view().write("/home/user/magic/tmp/x", "x"), Failure);
    EXPECT_THROW(site.view().open("/home/user/out/../../etc/passwd-outside"), Failure);
    // A name that a program has taken by a link is replaced, not followed.
    EXPECT_EQ(site.run("ln -s /etc/hosts /home/user/file").value, 0);
    site.view().write("/home/user/file", "new");
    EXPECT_EQ(site.output("cat /home/user/file; head -c 9 /etc/hosts"), "new127.0.0.1");
  });
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_P(HostViewTest, devices_are_few_and_work) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    EXPECT_EQ(site.output("ls /dev"),
              "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n");
    EXPECT_EQ(site.run("echo x > /dev/null && head -c 9 /dev/urandom > /tmp/r && [ $(stat -c %s /tmp/r) = 9 ]").value,
              0);
    EXPECT_NE(site.run("mknod /tmp/vda b 254 0").value, 0);
    EXPECT_EQ(site.output("ls /sys/class/net"), "lo\n");
    Site with_tun(lab, [](HostViewPlan& plan) { plan.tun = true; });
    EXPECT_EQ(with_tun.output("ls /dev/net"), fs::exists("/dev/net/tun") ? "tun\n" : "");
  });
}

TEST_P(HostViewTest, a_terminal_of_the_host_is_a_terminal) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    const HostView::Terminal terminal = site.view().open_terminal();
    ProgramPlan plan = site.shell("tty; echo ok > /dev/tty");
    plan.terminal = terminal.slave.get();
    plan.descriptors = {plan.terminal, plan.terminal, plan.terminal};
    EXPECT_EQ(Program(plan).wait().text(), "exit status 0");
    std::array<char, 64> text{};
    const ssize_t size = ::read(terminal.master.get(), text.data(), text.size());
    EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))), "/dev/pts/0\r\nok\r\n");
  });
}

}  // namespace
}  // namespace crypelab::kernel::testing::host_view_test
