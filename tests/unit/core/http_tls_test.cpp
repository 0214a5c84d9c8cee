#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "tests/unit/core/http_fixture.hpp"

using namespace catwalk;
using catwalk::testing::http_fixture;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

// A key and a certificate for 127.0.0.1, signed by itself, as PEM text.
struct identity {
  std::string key, certificate;

  identity() {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> x(X509_new(), &X509_free);
    X509_set_version(x.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), 3600);
    X509_set_pubkey(x.get(), pair.get());
    X509_NAME* name = X509_get_subject_name(x.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1,
                               -1, 0);
    X509_set_issuer_name(x.get(), name);
    for (const auto& [nid, value] : {std::pair{NID_basic_constraints, "critical,CA:TRUE"},
                                     std::pair{NID_subject_alt_name, "IP:127.0.0.1"}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
      X509_add_ext(x.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(x.get(), pair.get(), EVP_sha256());
    key = pem(
        [&](BIO* out) { PEM_write_bio_PrivateKey(out, pair.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    certificate = pem([&](BIO* out) { PEM_write_bio_X509(out, x.get()); });
  }

  template <class Write>
  static std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    write(out.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
};

// Answers one connection after another with 200, on a thread of its own.
class tls_server {
 public:
  explicit tls_server(const identity& who)
      : context_(asio::ssl::context::tls_server), acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate(asio::buffer(who.certificate), asio::ssl::context::pem);
    context_.use_private_key(asio::buffer(who.key), asio::ssl::context::pem);
    thread_ = std::thread([this] { serve(); });
  }
  ~tls_server() {
    stopping_ = true;
    boost::system::error_code ignored;
    tcp::socket knock(io_);
    knock.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::string at(const char* path) const {
    return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
  }

 private:
  void serve() {
    for (;;) {
      asio::ssl::stream<tcp::socket> stream(io_, context_);
      boost::system::error_code failed;
      acceptor_.accept(stream.next_layer(), failed);
      if (failed || stopping_) return;
      stream.handshake(asio::ssl::stream_base::server, failed);
      if (failed) continue;
      asio::streambuf head;
      asio::read_until(stream, head, "\r\n\r\n", failed);
      asio::write(stream,
                  asio::buffer(std::string_view(
                      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")),
                  failed);
      stream.shutdown(failed);
    }
  }

  std::atomic<bool> stopping_{false};
  asio::io_context io_;
  asio::ssl::context context_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

}  // namespace

TEST_CASE_METHOD(http_fixture, "TLS: an unknown certificate is refused in words, a trusted one is not") {
  const identity who;
  tls_server s(who);
  const auto refused = fetch(get(s.at("/")));
  REQUIRE_FALSE(refused);
  INFO(refused.error().to_string());
  CHECK(refused.error().code == errc::network);
  CHECK(refused.error().why.find("certificate") != std::string::npos);
  CHECK_FALSE(refused.error().hint.empty());

  auto lax = open_options();
  lax.insecure_tls = true;
  http_client careless(loop.get_executor(), lax);
  const auto anyway = fetch(careless, get(s.at("/")));
  REQUIRE(anyway);
  CHECK(anyway->body == "secret");

  const auto bundle =
      std::filesystem::temp_directory_path() / ("catwalk-test-" + std::to_string(::getpid()) + ".pem");
  std::FILE* file = std::fopen(bundle.c_str(), "w");
  REQUIRE(file != nullptr);
  std::fputs(who.certificate.c_str(), file);
  std::fclose(file);
  ::setenv("SSL_CERT_FILE", bundle.c_str(), 1);
  const auto trusted = fetch(get(s.at("/")));
  ::unsetenv("SSL_CERT_FILE");
  std::filesystem::remove(bundle);
  REQUIRE(trusted);
  CHECK(trusted->body == "secret");
}

TEST_CASE_METHOD(http_fixture, "TLS: a server that speaks plain HTTP is a network error") {
  server s([](const request&) { return reply{}; });
  const auto got = fetch(get("https://" + s.endpoint() + "/"));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::network);
  CHECK_FALSE(got.error().why.empty());
}
