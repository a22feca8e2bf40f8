import re

from pipeline.report.inline_svg import FINETUNE, INK, inline_svg

DRAWN = f"""<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg width="310pt" height="200pt" viewBox="0 0 310 200" xmlns="http://www.w3.org/2000/svg" version="1.1">
 <metadata><rdf:RDF/></metadata>
 <defs>
  <style type="text/css">*{{stroke-linejoin: round}}</style>
 </defs>
 <g id="axes"><path id="m1" style="fill: {INK}"/>
 <use xlink:href="#m1" clip-path="url(#clip)" stroke="{FINETUNE}"/></g>
</svg>
"""


def test_only_the_element_is_left_without_prolog_metadata_style_and_fixed_size() -> None:
    svg = inline_svg(DRAWN, "loss", "Loss")

    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")
    for gone in ("<?xml", "DOCTYPE", "metadata", "<style", "310pt", "xmlns="):
        assert gone not in svg
    assert 'viewBox="0 0 310 200"' in svg


def test_ids_and_all_that_points_to_them_carry_the_name_of_the_plot() -> None:
    one, other = inline_svg(DRAWN, "loss", "Loss"), inline_svg(DRAWN, "accuracy", "Accuracy")
    ids = [re.findall(r'\bid="([^"]+)"', svg) for svg in (one, other)]

    assert not set(ids[0]) & set(ids[1])
    assert 'href="#loss-m1"' in one
    assert "url(#loss-clip)" in one


def test_a_reader_that_cannot_see_it_gets_the_title_as_text() -> None:
    svg = inline_svg(DRAWN, "loss", "Loss < 1 & falling")

    assert 'role="img" aria-labelledby="loss-title"' in svg
    assert '<title id="loss-title">Loss &lt; 1 &amp; falling</title>' in svg


def test_colours_are_those_of_the_page() -> None:
    svg = inline_svg(DRAWN, "loss", "Loss")

    assert "fill: currentColor" in svg
    assert 'stroke="var(--finetune)"' in svg
    assert "#1010" not in svg
