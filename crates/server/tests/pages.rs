//! What the pages compute, by Node on the modules as they are served.

use std::process::Command;

/// Runs a program beside the modules of the pages.
fn node(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir("src/page").expect("the pages") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name");
        std::fs::copy(&path, folder.path().join(name)).expect("copied");
    }
    std::fs::write(folder.path().join("package.json"), r#"{"type": "module"}"#).expect("written");
    std::fs::write(folder.path().join("test.js"), program).expect("written");
    let ran = Command::new("node")
        .arg("test.js")
        .current_dir(folder.path())
        .output()
        .expect("these tests need Node.js: install nodejs");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
}

#[test]
fn the_lines_of_trials_go_through_their_values_and_the_best_lies_on_top() {
    node(
        r#"
        import assert from "node:assert";
        import { axesOf, linesOf } from "./coordinates.js";
        const trial = (run, best, values) => ({ run, best, values });
        const found = {
          metric: "loss", is_more_better: false, trials: [
            trial("a", 0.1, { rate: 0.001, kernel: "rbf", n: 4 }),
            trial("b", 0.3, { rate: 10, kernel: "poly", n: 4 }),
            trial("c", null, { rate: 0.1, kernel: [1, 2] }),
          ],
        };
        const axes = axesOf(found);
        assert.deepEqual(axes.map(({ name, x }) => [name, x]),
          [["rate", 6], ["kernel", 35.33], ["n", 64.67], ["loss", 94]]);
        const [rate, kernel, n, loss] = axes;
        assert.equal(Math.round(rate.y(0.1)), 50, "values far apart are on a logarithmic axis");
        assert.deepEqual(kernel.ticks.map(({ text }) => text), ["[1,2]", "poly", "rbf"]);
        assert.deepEqual(n.ticks, [{ text: "4", y: 50 }]);
        assert.equal(n.y(undefined), 100);
        assert.deepEqual([loss.y(0.1), loss.y(0.3), loss.y(null)], [0, 100, 100], "less is better");
        const lines = linesOf(found, axes);
        assert.deepEqual(lines.map(({ id, good, isBest }) => [id, good, isBest]),
          [["c", 0, false], ["b", 0, false], ["a", 1, true]]);
        assert.equal(lines[2].d, "M6 100L35.33 16.67L64.67 50L94 0");
        const more = axesOf({ ...found, is_more_better: true }).at(-1);
        assert.equal(more.y(0.3), 0);
        assert.equal(linesOf({ trials: [] }, axesOf({ ...found, trials: [] })).length, 0);
        "#,
    );
}

#[test]
fn the_tab_of_trials_draws_a_line_and_a_row_for_each() {
    node(
        r#"
        import assert from "node:assert";
        // As much of a page as the tab touches.
        class Node {
          constructor(name) { Object.assign(this, { name, children: [], attributes: {}, listeners: {} }); }
          style = { setProperty() {} };
          classList = { set: new Set(), toggle(name, isOn) { isOn ? this.set.add(name) : this.set.delete(name); } };
          append(...children) { this.children.push(...children); }
          replaceChildren(...children) { this.children = children; }
          setAttribute(key, value) { this.attributes[key] = value; }
          addEventListener(kind, listener) { this.listeners[kind] = listener; }
          all(name) { return this.children.flatMap((one) => one instanceof Node ? [...(one.name === name ? [one] : []), ...one.all(name)] : []); }
        }
        const make = (name) => new Node(name);
        const corner = make("div");
        globalThis.document = { getElementById: () => corner, createElement: make, createElementNS: (_, name) => make(name), addEventListener() {}, visibilityState: "visible" };
        const trial = (run, C, best) => ({ run, name: run, status: "Completed", values: { C, kernel: "rbf" }, best });
        const asked = [];
        globalThis.fetch = async (path) => {
          asked.push(path);
          const trials = [trial("b", 2, 0.9), trial("a", 1, 0.5), { ...trial("c", 3, null), status: "Canceled" }];
          return new Response(JSON.stringify({ metric: "AUC", is_more_better: true, trials }));
        };
        const { isSearch, showTrials } = await import("./trials.js");
        const tags = { primary_metric_config: '{"name": "AUC", "goal": "maximize"}' };
        const search = { id: "s", status: "Completed", tags };
        assert.ok(isSearch(search) && !isSearch({ tags: {} }));
        const host = make("div");
        const opened = [];
        await showTrials(host, () => search, (id) => opened.push(id), new AbortController().signal);
        const rows = host.all("tbody")[0].children;
        assert.deepEqual(rows.map((row) => row.all("button")[0].children[0]), ["b", "a", "c"]);
        assert.equal(rows[2].all("span")[0].children[0], "Canceled");
        assert.equal(asked.length, 1, "one question for all trials");
        const aligned = host.all("th").map(({ attributes }) => attributes.class ?? "");
        assert.deepEqual(aligned, ["", "", "number", "number", ""]);
        const lines = host.all("path").filter(({ attributes }) => attributes.class !== "grid");
        assert.equal(lines.length, 3);
        assert.equal(lines[2].attributes.class, "best");
        lines[2].listeners.pointerenter();
        assert.ok(rows[0].classList.set.has("chosen"));
        rows[1].listeners.click();
        assert.deepEqual(opened, ["a"]);
        "#,
    );
}

#[test]
fn every_module_of_the_pages_is_read_by_a_browsers_rules() {
    node(
        r#"
        import { readdirSync } from "node:fs";
        import { execFileSync } from "node:child_process";
        for (const name of readdirSync(".").filter((name) => name.endsWith(".js"))) {
          execFileSync(process.execPath, ["--check", name]);
        }
        "#,
    );
}
