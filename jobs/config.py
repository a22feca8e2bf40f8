"""All settings of a home, each declared once: name, type, default, range and section of whisker.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jobs.cluster.settings import ClusterSettings, absolute, devices_of_hosts, hosts
from jobs.extras import missing
from jobs.image_folder import can_be_read
from jobs.pace import SHORTEST_SECONDS, Pace
from jobs.schedule import parse_cron, parse_interval, parse_quiet_hours
from jobs.settings.checks import addresses, between, one_of, readable, that_holds, unless_empty, web_address
from jobs.settings.setting import setting
from pipeline.backbones import backbone_named
from pipeline.device import KVSTORES, parse_device
from pipeline.engine_settings import ENGINE_SETTINGS
from pipeline.errors import BadSettings
from pipeline.image_folder import ImageFolder
from pipeline.recipes import Recipe, recipe_named, with_settings

EVENTS = ("finished", "promoted", "rejected", "failed", "stuck")  # that notices are sent of
LEVELS = ("debug", "info", "warning", "error")
_MANY = 1_000_000


def with_apprise(_: object) -> None:
    """Check that the optional package is there that a setting needs."""
    if said := missing("notify"):
        raise ValueError(said)


def place_of_records(address: str) -> None:
    """Check the address of a database, and that the package is there which a server needs."""
    from db.place import place_of_address

    if not isinstance(place_of_address(address), Path) and (said := missing("postgres")):
        raise ValueError(said)


def long_enough(interval: str) -> None:
    """Check the time after which a stand-by takes over: a holder must be able to say that it is there."""
    if parse_interval(interval).total_seconds() < SHORTEST_SECONDS:
        raise ValueError(f"is under {SHORTEST_SECONDS:g} seconds")


@dataclass(frozen=True)
class PromotionSettings:
    """When a cycle may replace the champion."""

    margin: float  # the least gain in accuracy, 0..1
    auto: bool  # False: a person promotes


@dataclass(frozen=True)
class LogSettings:
    """What is logged, and how."""

    level: str  # one of LEVELS
    format: str  # "text" or "json", one object a line
    max_bytes: int  # of a file; then it is rotated
    keep: int  # rotated files


@dataclass(frozen=True)
class NoticeSettings:
    """Who is told of what; the addresses are secret, for who knows one can write there."""

    webhook: str = field(default="", repr=False)
    webhook_secret_file: Path | None = None
    apprise: tuple[str, ...] = field(default=(), repr=False)
    apprise_file: Path | None = None  # further addresses, one a line
    events: tuple[str, ...] = EVENTS


@dataclass(frozen=True)
class Config:
    """All settings of a home. `templates/whisker.toml` explains each to the user."""

    images: ImageFolder | None = setting(None, unless_empty(can_be_read))
    images_options_file: Path | None = setting(None, unless_empty(readable))  # of a URL
    images_cache_gb: float = setting(20.0, between(0, _MANY))  # copies of what a URL has; 0: none
    recipe: str = setting("fast")  # checked in `jobs/settings/own_recipe.py`, which knows the home's own
    backbone: str = setting("", unless_empty(backbone_named))  # "": the recipe's own
    device: str = setting("auto", parse_device)
    kvstore: str = setting("device", one_of(*KVSTORES))  # what adds up the gradients of several devices
    engine: str = setting("auto", one_of(*ENGINE_SETTINGS))  # of frozen layers on the CPU
    cache_gb: float = setting(4.0, between(0, _MANY))  # 0: no cache of features
    database_url: str = setting("", unless_empty(place_of_records), secret=True)  # see `Home.records`
    seed: int = setting(0, between(0, 2**31 - 1))
    baseline: bool = setting(True)
    test_fraction: float = setting(0.2, that_holds(lambda share: 0 < share < 1, "is not between 0 and 1"))
    settle_seconds: float = setting(5.0, between(0, 86_400))
    min_new_images: int = setting(1, that_holds(lambda number: number >= 1, "is not at least 1"))
    max_wait: str = setting("1h", parse_interval)  # then fewer will do; unsettled files hold nobody up
    quiet_hours: str = setting("", unless_empty(parse_quiet_hours))  # "22:00-06:00", the machine's clock
    loss_limit: float = setting(  # share of the images that may be gone without asking
        0.5, that_holds(lambda share: 0 < share <= 1, "is not above 0 and at most 1")
    )
    promotion_margin: float = setting(  # the least gain in accuracy for which the champion is replaced
        0.001,
        that_holds(
            lambda gain: 0 <= gain < 1,
            "is not a fraction from 0 to below 1, such as 0.001 for a tenth of a percentage point",
        ),
    )
    auto_promote: bool = setting(True)
    keep_last: int = setting(20, between(0, _MANY))  # finished cycles, the newest, that keep their models
    keep_days: int = setting(90, between(0, 36_500))  # models younger than so many days stay too
    keep_answers: int = setting(20_000_000, between(0, 10**12))  # about single test images, of old runs
    keep_backups: int = setting(7, between(1, 1_000))  # of the database
    min_free_gb: float = setting(1.0, between(0, _MANY))  # with less on the disk no cycle starts; 0: no check

    every: str = setting("10m", parse_interval, section="daemon")
    cron: str = setting("", unless_empty(parse_cron), section="daemon")
    stuck_after: str = setting("30m", parse_interval, section="daemon")  # without progress
    pause_after_failures: int = setting(5, between(1, 1_000), section="daemon")

    take_over_after: str = setting("30s", long_enough, section="daemon")  # of several hosts

    log_level: str = setting("info", one_of(*LEVELS), section="log")
    log_format: str = setting("text", one_of("text", "json"), section="log")
    log_max_mb: float = setting(10.0, between(0.1, 10_000), section="log")  # of one file
    log_keep: int = setting(5, between(1, 1_000), section="log")  # older files

    notify_webhook: str = setting("", unless_empty(web_address), section="notify", secret=True)
    notify_webhook_secret_file: Path | None = setting(None, unless_empty(readable), section="notify")
    notify_apprise: tuple[str, ...] = setting(
        (), unless_empty(addresses, with_apprise), section="notify", secret=True
    )
    notify_apprise_file: Path | None = setting(None, unless_empty(readable, with_apprise), section="notify")
    notify_events: tuple[str, ...] = setting(EVENTS, one_of(*EVENTS), section="notify")

    cluster_hosts: tuple[str, ...] = setting((), unless_empty(hosts), section="cluster")  # (): no cluster
    cluster_start: str = setting("local", one_of("local", "ssh", "by-hand"), section="cluster")
    cluster_scheduler: str = setting("", unless_empty(lambda name: hosts((name,))), section="cluster")
    cluster_port: int = setting(0, between(0, 65_535), section="cluster")  # of the scheduler; 0: a free one
    cluster_kvstore: str = setting("dist_sync", one_of("dist_sync", "horovod"), section="cluster")
    cluster_servers: int = setting(1, between(1, 1_000), section="cluster")
    cluster_interface: str = setting("", section="cluster")  # of the network; "": that of a host's name
    cluster_devices: tuple[str, ...] = setting((), unless_empty(devices_of_hosts), section="cluster")
    cluster_patience: str = setting("1m", parse_interval, section="cluster")  # with a node that is silent
    cluster_wait: str = setting("5m", parse_interval, section="cluster")  # for all nodes to be there
    cluster_ssh_options: tuple[str, ...] = setting((), section="cluster")
    cluster_program: tuple[str, ...] = setting((), section="cluster")  # on the other hosts; (): as here
    cluster_home: str = setting("", unless_empty(absolute), section="cluster")  # there; "": as here

    recipe_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # recipe -> changes
    own_recipes: Mapping[str, str] = field(default_factory=dict)  # the home's -> which it changes

    def recipe_as_set(self, name: str) -> Recipe:
        """Return a recipe, Whisker's or the home's own, with the settings of the home.

        Raises:
            UnknownRecipe, BadSettings: a name or value is wrong.
        """
        recipe = replace(recipe_named(self.own_recipes.get(name, name)), name=name)
        return with_settings(recipe, dict(self.recipe_settings.get(name, {})), where=f"recipes.{name}")

    def resolved_recipe(self, overrides: Mapping[str, object] | None = None) -> Recipe:
        """Return the chosen recipe with the settings of the home, then `overrides` (of the command line).

        Raises:
            UnknownRecipe, UnknownBackbone, BadSettings: a name or value is wrong.
        """
        recipe = self.recipe_as_set(self.recipe)
        if self.backbone:
            recipe = replace(recipe, backbone=self.backbone)
        recipe = with_settings(recipe, dict(overrides or {}), where="the command line")
        backbone_named(recipe.backbone)
        return recipe

    def promotion(self) -> PromotionSettings:
        """Return when a cycle may replace the champion."""
        return PromotionSettings(self.promotion_margin, self.auto_promote)

    def logs(self) -> LogSettings:
        """Return what is logged, and how."""
        return LogSettings(self.log_level, self.log_format, int(self.log_max_mb * 1e6), self.log_keep)

    def notices(self) -> NoticeSettings:
        """Return who is told of what."""
        return NoticeSettings(
            self.notify_webhook,
            self.notify_webhook_secret_file,
            self.notify_apprise,
            self.notify_apprise_file,
            self.notify_events,
        )

    def cluster(self) -> ClusterSettings | None:
        """Return the hosts that train together; None: this one alone.

        Raises:
            BadSettings: the settings of [cluster] do not fit each other.
        """
        return ClusterSettings.of(self) if self.cluster_hosts else None

    def max_wait_seconds(self) -> float:
        """Return `max_wait` in seconds."""
        return parse_interval(self.max_wait).total_seconds()

    def stuck_after_seconds(self) -> float:
        """Return `stuck_after` in seconds."""
        return parse_interval(self.stuck_after).total_seconds()

    def pace(self) -> Pace:
        """Return how soon a lock on a server has a new holder when its old one is gone."""
        return Pace(parse_interval(self.take_over_after).total_seconds())

    def images_folder(self) -> ImageFolder:
        """Return the image folder: a URL, or an absolute path.

        Raises:
            BadSettings: none was given.
        """
        if self.images is None:
            raise BadSettings("no image folder is set; give --images DIR, or `images` in whisker.toml")
        return self.images.absolute() if isinstance(self.images, Path) else self.images
