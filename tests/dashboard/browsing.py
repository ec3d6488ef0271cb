"""A real browser, without a screen: Chromium, driven by its own driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.waiting import until

if TYPE_CHECKING:  # its import takes long, and each process of the tests collects all files
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
ENTER, TAB, CONTROL, RELEASED = "\ue007", "\ue004", "\ue009", "\ue000"
"""Keys, as WebDriver writes them."""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Browser:
    """Chromium at one server; what it complains of is kept."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, path: str) -> None:
        """Go to an address of the server."""
        self.driver.get(self.url + path)

    def log_in(self, key: str, path: str = "/dashboard") -> None:
        """Give a key to the page that asks for one."""
        self.open(path)
        self.find("#key").send_keys(key)
        self.press("Sign in")
        until(lambda: "/login" not in self.driver.current_url, "the login")

    def find(self, selector: str) -> WebElement:
        """The first element, once it is there."""
        return until(lambda: self.all(selector), selector)[0]  # type: ignore[no-any-return]

    def all(self, selector: str) -> list[WebElement]:
        """Every element that is there now."""
        return self.driver.find_elements("css selector", selector)

    def press(self, words: str) -> None:
        """Press the button, or follow the link, with these words."""
        from selenium.common.exceptions import StaleElementReferenceException

        path = f"//*[self::button or self::a][normalize-space()={words!r}]"

        def pressed() -> bool:
            for found in self.driver.find_elements("xpath", path):
                try:
                    found.click()
                except StaleElementReferenceException:  # the page has just renewed itself
                    return False
                return True
            return False

        until(pressed, words)

    def point_at(self, selector: str) -> None:
        """Move the pointer there."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).move_to_element(self.find(selector)).perform()

    def text(self, selector: str = "main") -> str:
        """What a person reads there."""
        self.find(selector)
        # In one step: a page that renews itself may replace the element between two.
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.run(script, selector))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What the console has had since the last time: errors, and what the policy blocked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def resize(self, width: int, height: int = 900) -> None:
        """Make the page this wide, in CSS pixels."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def prefer(self, scheme: str) -> None:
        """Light or dark, as the system of the reader has it."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]  # empty: as it is
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def be_in(self, zone: str) -> None:
        """Move the reader to another time zone."""
        self.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})


@contextmanager
def browser(url: str, folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in ``folder``."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*_FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, ChromeService(DRIVER))
    try:
        driver.set_page_load_timeout(30)
        found = Browser(driver, url)
        found.resize(1280)
        yield found
    finally:
        driver.quit()
