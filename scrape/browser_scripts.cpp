#include "scrape/browser_scripts.hpp"

#include "core/json_text.hpp"

namespace catwalk::scrape {
namespace {

// Buttons of the usual consent dialogues by their ids, and any button that says what such buttons say within
// something that calls itself consent, cookie or privacy. Links with an address are left alone.
constexpr const char* look = R"js((wanted) => {
  const root = document.documentElement;
  const memory = window[Symbol.for('catwalk')] ||= {pressed: new WeakSet(), presses: 0};
  const known = ['#onetrust-accept-btn-handler', '#CybotCookiebotDialogBodyLevelButtonLevelOptinAllowAll',
    '#CybotCookiebotDialogBodyButtonAccept', '#didomi-notice-agree-button', '#truste-consent-button',
    '#shopify-pc__banner__btn-accept', '#axeptio_btn_acceptAll', '#hs-eu-confirmation-button',
    '[data-testid="uc-accept-all-button"]', '.fc-cta-consent', '.cc-allow', '.cc-accept', '.osano-cm-accept-all',
    '.cky-btn-accept', '.iubenda-cs-accept-btn', '.qc-cmp2-summary-buttons button[mode="primary"]'];
  const words = new Set(['accept', 'accept all', 'accept all cookies', 'accept cookies', 'allow all',
    'allow all cookies', 'allow cookies', 'agree', 'i agree', 'i accept', 'agree and close', 'accept and close',
    'accept & close', 'yes, i agree', 'got it', 'ok', 'okay', 'souhlasím', 'přijmout', 'přijmout vše',
    'povolit vše', 'přijmout všechny', 'přijmout všechny cookies', 'súhlasím', 'prijať všetko', 'alle akzeptieren',
    'akzeptieren', 'alles akzeptieren', 'zustimmen', 'einverstanden', 'tout accepter', 'accepter', "j'accepte",
    'accepter et fermer', 'aceptar', 'aceptar todo', 'aceptar todas', 'aceptar todas las cookies', 'accetta',
    'accetta tutti', 'accetta tutto', 'akceptuję', 'akceptuj wszystkie', 'zaakceptuj wszystkie', 'accepteren',
    'alles accepteren', 'aceitar', 'aceitar tudo', 'godkänn alla', 'acceptera alla', 'accepter alle',
    'godta alle', 'hyväksy kaikki', 'elfogadom', 'összes elfogadása', 'acceptă toate']);
  const about = '[id*=cookie i],[class*=cookie i],[id*=consent i],[class*=consent i],[id*=gdpr i],' +
    '[class*=gdpr i],[id*=privacy i],[class*=privacy i],[aria-label*=cookie i],[aria-label*=consent i],' +
    '[id*=cmp],[class*=cmp]';
  let clicked = false;
  const press = (element) => {
    if (memory.presses >= 3 || memory.pressed.has(element) || element.getClientRects().length === 0) return;
    if (element.localName === 'a' && !/^(#|javascript:|$)/i.test(element.getAttribute('href') ?? '')) return;
    memory.pressed.add(element);
    memory.presses += 1;
    clicked = true;
    element.click();
  };
  const said = (element) => (element.innerText || element.value || '').trim().replace(/\s+/g, ' ').toLowerCase();
  if (root && memory.presses < 3 && document.readyState !== 'loading') {
    const places = [document];
    for (const host of document.querySelectorAll(about)) if (host.shadowRoot) places.push(host.shadowRoot);
    const usercentrics = document.getElementById('usercentrics-root');
    if (usercentrics?.shadowRoot) places.push(usercentrics.shadowRoot);
    for (const place of places) {
      for (const element of place.querySelectorAll(known.join(','))) press(element);
      for (const element of place.querySelectorAll('button,[role=button],input[type=button],input[type=submit],a')) {
        if (words.has(said(element)) && (place !== document || element.closest(about))) press(element);
      }
    }
  }
  let found = 0;
  try {
    if (wanted) found = document.querySelectorAll(wanted).length;
  } catch {
    found = -1;
  }
  return {ready: document.readyState !== 'loading', wanted: found, clicked,
    elements: document.getElementsByTagName('*').length, height: root ? root.scrollHeight : 0};
})js";

constexpr const char* scroll =
    "(() => { window.scrollTo(0, document.documentElement ? document.documentElement.scrollHeight : 0); })()";

constexpr const char* take = R"js((most) => {
  const html = '<!DOCTYPE html>' + (document.documentElement ? document.documentElement.outerHTML : '');
  return html.length > most ? {size: html.length} : {html, url: location.href};
})js";

constexpr const char* confining = R"js((() => {
  for (const name of ['WebSocket', 'WebSocketStream', 'WebTransport', 'RTCPeerConnection',
    'webkitRTCPeerConnection', 'SharedWorker']) {
    try { delete window[name]; } catch {}
  }
  try { delete Navigator.prototype.serviceWorker; } catch {}
  window.open = () => null;
})())js";

std::string call(const char* function, const std::string& argument) {
  return "(" + std::string(function) + ")(" + argument + ")";
}

}  // namespace

std::string look_script(const std::string& wanted) {
  return call(look, json_text(nlohmann::json(wanted)));
}

std::string scroll_script() {
  return scroll;
}

std::string take_script(std::size_t most) {
  return call(take, std::to_string(most));
}

std::string confining_script() {
  return confining;
}

}  // namespace catwalk::scrape
