"""make mail-preview: renders each kind of mail in light, in dark and at phone width, to docs/mail/."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PICTURES = PROJECT / "docs" / "mail"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Chromium's minimum window width is 500 pixels, so a phone is a frame of 375 in it.
PHONE = '<!doctype html><body style="margin:0"><iframe src="{page}" style="border:0;width:375px;height:900px"></iframe>'
VIEWS = {"light": (640, 620, []), "dark": (640, 620, ["--blink-settings=preferredColorScheme=0"]), "375px": (375, 760, [])}


def main() -> None:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if not browser:
        sys.exit("make mail-preview: Chromium is not installed (Debian: apt install chromium)")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mail-") as folder:
        test = ["cargo", "test", "--quiet", "--package", "taskbell-api", "--lib", "every_kind_of_mail"]
        subprocess.run(test, cwd=PROJECT, env=os.environ | {"MAIL_PREVIEW": folder}, check=True, stdout=subprocess.DEVNULL)
        pages = sorted(Path(folder).glob("*.html"))
        if not pages:
            sys.exit("make mail-preview: the test every_kind_of_mail wrote no mails: was it renamed?")
        for picture in PICTURES.glob("*.png"):
            picture.unlink()
        for page in pages:
            for view, (width, height, more) in VIEWS.items():
                shown = page
                if view == "375px":
                    shown = page.parent / f"{page.stem}-phone.htm"
                    shown.write_text(PHONE.format(page=page.as_uri()))
                picture = PICTURES / f"{page.stem}-{view}.png"
                command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *more]
                command += [f"--window-size={width},{height}", f"--screenshot={picture}", shown.as_uri()]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    print(f"{len(pages) * len(VIEWS)} pictures in {PICTURES.relative_to(PROJECT)}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.SubprocessError as error:
        sys.exit(f"make mail-preview: {error}")
