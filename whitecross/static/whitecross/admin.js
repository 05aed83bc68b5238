// What assistive technology needs and neither Unfold nor its widgets say. Widgets come after the page, so each part
// looks again whenever something is added, and marks what it has seen to.
"use strict";
{
    const ICON = ".material-symbols-outlined, .date-icon, .clock-icon";

    // Icons are words in a font of pictures ("face"): nothing to read out.
    function hideIcons() {
        for (const icon of document.querySelectorAll(ICON)) {
            if (!icon.hasAttribute("aria-hidden")) icon.setAttribute("aria-hidden", "true");
        }
    }

    function nameHeader() {
        document.getElementById("searchbar")?.setAttribute("aria-label", "Search");
        document.getElementById("searchbar-submit")?.setAttribute("aria-label", "Search");
        // What a narrow window has instead of the header's links.
        const more = document.querySelector('#header-inner a[href="#"]');
        more?.setAttribute("aria-label", "More");
        more?.setAttribute("role", "button");
        document.querySelector("#nav-sidebar a.active")?.setAttribute("aria-current", "page");
    }

    // Select2 calls a box by what is chosen in it; its label comes first.
    function nameCompletingBoxes() {
        for (const shown of document.querySelectorAll(".select2-selection[aria-labelledby]:not([data-named])")) {
            const select = shown.closest(".select2").previousElementSibling;
            const label = select?.labels?.[0] ?? heading(select);
            if (!label) continue;
            label.id ||= `label-of-${shown.getAttribute("aria-labelledby")}`;
            shown.setAttribute("aria-labelledby", `${label.id} ${shown.getAttribute("aria-labelledby")}`);
            shown.dataset.named = "";
        }
        for (const box of document.querySelectorAll(".select2-search__field:not([aria-label])")) {
            box.setAttribute("aria-label", "Type to search");
        }
    }

    // The heading over a filter, which has no label.
    function heading(select) {
        let box = select?.parentElement;
        while (box && !box.querySelector("h3")) box = box.parentElement;
        return box?.closest("#changelist-filter") ? box.querySelector("h3") : null;
    }

    function nameCalendars() {
        for (const link of document.querySelectorAll(".datetimeshortcuts a:not([aria-label])")) {
            const box = link.closest(".datetimeshortcuts").parentElement.querySelector("input");
            const of = box?.getAttribute("aria-label") ?? box?.labels?.[0]?.innerText ?? "";
            const icon = link.querySelector(".date-icon, .clock-icon");
            const what = icon ? (icon.matches(".date-icon") ? "Calendar" : "Clock") : link.innerText;
            link.setAttribute("aria-label", `${what}, ${of.split(":")[0].replace("*", "")}`);
            link.setAttribute("role", "button");
        }
    }

    // A box that is refused refers to the reason below it, and the list of reasons is read first.
    function explainErrors() {
        for (const box of document.querySelectorAll("[aria-invalid=true]:not([data-explained])")) {
            const reason = box.closest(".field-line, .form-row, .group")?.querySelector("ul.errorlist[id]");
            const ids = new Set((box.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
            if (reason) box.setAttribute("aria-describedby", [...ids.add(reason.id)].join(" "));
            box.dataset.explained = "";
        }
    }

    function lookAgain() {
        hideIcons();
        nameHeader();
        nameCompletingBoxes();
        nameCalendars();
        explainErrors();
    }

    document.addEventListener("DOMContentLoaded", () => {
        lookAgain();
        new MutationObserver(lookAgain).observe(document.body, { childList: true, subtree: true });
        const summary = document.querySelector(".errornote[tabindex]");
        summary?.addEventListener("click", (event) => {
            const box = document.querySelector(event.target.getAttribute?.("href") ?? "#none");
            if (!box) return;
            event.preventDefault(); // an address with a fragment means a tab to Unfold
            (box.matches(".select2-hidden-accessible") ? box.nextElementSibling.querySelector(".select2-selection") : box).focus();
        });
    });
    // After whatever else takes the focus while the page loads.
    window.addEventListener("load", () => requestAnimationFrame(() => document.querySelector(".errornote[tabindex]")?.focus()));
}
