"""What is installed beside the program: its manual page, and completions that the shells take."""

import os
import shutil
import subprocess

import pytest

from program import weir_command
from weir_process import PATIENCE, ROOT, binary


def needs(tool):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not there")


def output(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=PATIENCE, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def script(shell, folder):
    done = weir_command("completion", shell)
    assert done.returncode == 0, done.stderr
    path = folder / {"bash": "weir", "zsh": "_weir", "fish": "weir.fish"}[shell]
    path.write_text(done.stdout)
    return path


def test_everything_has_its_place(folder):
    output(ROOT / "scripts" / "install",
           env={**os.environ, "DESTDIR": str(folder), "PREFIX": "/usr", "WEIR_BIN": str(binary())})
    for place in ("bin/weir", "share/man/man1/weir.1", "share/bash-completion/completions/weir",
                  "share/zsh/vendor-completions/_weir", "share/fish/vendor_completions.d/weir.fish",
                  "share/doc/weir/examples/quickstart.yaml", "share/weir/weir.schema.json"):
        assert (folder / "usr" / place).is_file(), place


def test_the_manual_page_is_good_roff(folder):
    needs("man")
    page = folder / "weir.1"
    page.write_text(weir_command("man").stdout)
    done = subprocess.run(["man", "--warnings", "--encoding=UTF-8", "--local-file", page], capture_output=True,
                          text=True, timeout=PATIENCE, env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "100"})
    assert done.returncode == 0 and done.stderr == "", done.stderr
    for words in ("weir explain [OPTIONS] REQUEST", "--drain-timeout VALUE", "SIGUSR1", "EXIT STATUS"):
        assert words in done.stdout


def bash(folder, *words):
    """What bash offers for the last of these words."""
    program = (f"source '{script('bash', folder)}'; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _weir;"
               " printf '%s\\n' \"${COMPREPLY[@]}\"")
    return output("bash", "--norc", "-c", program, "bash", "weir", *words, cwd=folder).split()


def fish(folder, line):
    needs("fish")
    program = f"source {script('fish', folder)}; complete -C '{line}'"
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return [each.split("\t")[0] for each in output("fish", "--private", "-c", program, cwd=folder, env=env).splitlines()]


def test_bash_completes_commands_options_values_and_files(folder):
    (folder / "site.yaml").touch()
    assert {"run", "explain", "help"} <= set(bash(folder, ""))
    assert bash(folder, "rel") == ["reload"]
    assert set(bash(folder, "config", "d")) == {"dump", "docs", "diff"}
    assert bash(folder, "help", "config", "roll") == ["rollback"]
    assert bash(folder, "run", "--dr") == ["--drain-timeout"]
    assert bash(folder, "run", "--engine", "") == ["auto", "epoll", "io_uring"]
    assert bash(folder, "run", "--engine", "=", "e") == ["epoll"]
    assert bash(folder, "run", "si") == ["site.yaml"]
    assert bash(folder, "endpoint", "api", "10.0.0.1:80", "dr") == ["draining"]
    assert bash(folder, "run", "--drain-timeout", "") == []


def test_fish_completes_commands_options_values_and_files(folder):
    (folder / "site.yaml").touch()
    assert {"run", "explain", "help"} <= set(fish(folder, "weir "))
    assert set(fish(folder, "weir config d")) == {"dump", "docs", "diff"}
    assert "--drain-timeout" in fish(folder, "weir run --dr")
    assert set(fish(folder, "weir run --engine ")) == {"auto", "epoll", "io_uring"}
    assert fish(folder, "weir run si") == ["site.yaml"]
    assert fish(folder, "weir config dump --engine ") != ["auto", "epoll", "io_uring"]


# Completion itself runs in the line editor only; these take the place of what it would call there.
ZSH = """
compdef() { }
_describe() { print -rl -- ${(P)2} }
_files() { print FILES }
_arguments() {
  if [[ $1 == -C ]]; then
    if (( $#typed > 1 )); then line=($typed); typed=($typed[2,-1]); state=argument; else state=command; fi
  else
    print -rl -- "$@"
  fi
}
source $1; shift; typed=("$@"); _weir
"""


def zsh(folder, *words):
    needs("zsh")
    return output("zsh", "-f", "-c", ZSH, "zsh", script("zsh", folder), *words)


def test_zsh_completes_commands_options_values_and_files(folder):
    assert "reload:Have the running process" in zsh(folder, "")
    assert "rollback:Put an earlier version" in zsh(folder, "config", "")
    run = zsh(folder, "run", "")
    assert "*--engine=[How the workers wait" in run and ":value:(auto epoll io_uring)" in run
    assert ":FILE:_files" in run
    assert ":STATE:(enabled draining disabled)" in zsh(folder, "endpoint", "")
    assert "*-H[A header\\: " in zsh(folder, "explain", "")


def test_an_unknown_shell_is_refused():
    done = weir_command("completion", "csh")
    assert done.returncode == 2
    assert "known are bash, zsh and fish" in done.stderr
