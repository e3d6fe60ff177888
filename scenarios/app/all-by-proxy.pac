function FindProxyForURL(url, host) {
  return "PROXY proxy.office.test:3128";
}
