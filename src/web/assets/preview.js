// How an answer looks on Slack and on Discord: draws the very JSON that would be sent there.
// Only what this bot uses is drawn; everything is set as text, never as HTML.
"use strict";

const preview = (() => {
  const made = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  };
  const link = (url, ...children) => {
    const node = made("a", "", ...children);
    // Nothing but the sources of rules is linked; anything else would not be a link here.
    if (/^https?:\/\//.test(url)) node.href = url;
    node.rel = "noopener noreferrer";
    node.target = "_blank";
    return node;
  };
  /** A button that is only looked at. */
  const lookalike = (label, style) => made("span", `key ${style ?? ""}`, label);

  // ---- Slack ----

  /** Slack's markup, as far as the bot writes it: links, people, groups, dates, entities. */
  function mrkdwn(text) {
    const plain = (part) => part.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    return text.split(/(<[^>]*>)/).map((part) => {
      if (!part.startsWith("<")) return plain(part);
      const [target, label] = part.slice(1, -1).split("|");
      if (/^https?:/.test(target)) return link(plain(target), plain(label ?? target));
      if (target.startsWith("!date")) return plain(label ?? "");
      return made("span", "mention", target.startsWith("#") ? target : `@${plain(label ?? target.replace(/^[@!]/, ""))}`);
    });
  }

  const slackText = ({ type, text }) => (type === "mrkdwn" ? mrkdwn(text) : [text]);

  function inline({ type, text, url, style = {} }) {
    let node = type === "link" ? link(url, text) : text;
    for (const [look, tag] of [["code", "code"], ["italic", "em"], ["bold", "strong"]]) {
      if (style[look]) node = made(tag, "", node);
    }
    return node;
  }

  const richText = {
    rich_text_section: ({ elements }) => made("div", "paragraph", ...elements.map(inline)),
    rich_text_preformatted: ({ elements }) => made("pre", "", ...elements.map(inline)),
    rich_text_list: ({ style, offset = 0, elements }) => {
      const list = made(style === "ordered" ? "ol" : "ul", "", ...elements.map((item) => made("li", "", ...item.elements.map(inline))));
      if (offset) list.start = offset + 1;
      return list;
    },
  };

  const slackButton = ({ text, style }) => lookalike(text.text, style);

  const slackBlocks = {
    header: ({ text }) => made("h4", "header", ...slackText(text)),
    section: ({ text, accessory }) =>
      made("div", "section", made("div", "paragraph", ...slackText(text)), ...(accessory ? [slackButton(accessory)] : [])),
    context: ({ elements }) => made("div", "context", ...elements.map((text) => made("span", "", ...slackText(text)))),
    actions: ({ elements }) => made("div", "keys", ...elements.map(slackButton)),
    divider: () => made("hr"),
    rich_text: ({ elements }) => made("div", "rich", ...elements.map((part) => richText[part.type](part))),
  };

  const slack = ({ blocks }) => blocks.map((block) => slackBlocks[block.type](block));

  // ---- Discord ----

  const MARKS = /\\([^\w\s])|(`+)(.+?)\2(?!`)|\*\*((?:\\.|[^\\])+?)\*\*|\*((?:\\.|[^\\*])+?)\*|\[((?:\\.|[^\\\]])+)\]\(([^)]+)\)|<(https?:[^>]+)>|<(@&?\d+)>|<t:(\d+):R>/su;

  /** Discord's Markdown inside of a line. */
  function markdown(text) {
    const nodes = [];
    for (let rest = text, found; rest; rest = rest.slice(found.index + found[0].length)) {
      found = MARKS.exec(rest);
      if (!found) {
        nodes.push(rest);
        break;
      }
      nodes.push(rest.slice(0, found.index));
      const [, escaped, , code, bold, italic, label, url, bare, mention, time] = found;
      if (escaped) nodes.push(escaped);
      else if (code) nodes.push(made("code", "", code.replace(/^ (?=`)|(?<=`) $/g, "")));
      else if (bold) nodes.push(made("strong", "", ...markdown(bold)));
      else if (italic) nodes.push(made("em", "", ...markdown(italic)));
      else if (label) nodes.push(link(url, ...markdown(label)));
      else if (bare) nodes.push(link(bare, bare));
      else if (mention) nodes.push(made("span", "mention", mention.replace("&", "")));
      else nodes.push(new Date(time * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
    }
    return nodes;
  }

  /** Lines: quotations, lists and paragraphs. */
  function lines(text) {
    const nodes = [];
    for (const line of text.split("\n")) {
      const [, number, point, quote, words] = /^(?:(\d+)\. |(- )|(> ))?(.*)$/su.exec(line);
      const last = nodes.at(-1);
      if (number || point) {
        const tag = number ? "OL" : "UL";
        const list = last?.tagName === tag ? last : made(tag);
        if (list !== last) nodes.push(list);
        if (number && !list.childElementCount) list.start = Number(number);
        list.append(made("li", "", ...markdown(words)));
      } else {
        nodes.push(made(quote ? "blockquote" : "div", line ? "line" : "line gap", ...markdown(words)));
      }
    }
    return nodes;
  }

  const DISCORD_STYLES = { 1: "primary", 3: "success", 4: "danger" };

  function discord({ content, embeds, components }) {
    const nodes = content ? [made("div", "content", ...lines(content))] : [];
    for (const { title, description, color, footer } of embeds) {
      const card = made("div", "embed");
      card.style.borderLeftColor = `#${color.toString(16).padStart(6, "0")}`;
      if (title) card.append(made("h4", "", ...markdown(title)));
      if (description) card.append(...lines(description));
      if (footer) card.append(made("div", "footer", footer.text));
      nodes.push(card);
    }
    for (const row of components) {
      nodes.push(made("div", "keys", ...row.components.map(({ label, style }) => lookalike(label, DISCORD_STYLES[style]))));
    }
    return nodes;
  }

  // ---- The window ----

  function message(platform, nodes) {
    const mark = made("span", "avatar", "✓");
    mark.ariaHidden = "true";
    const time = new Date().toLocaleTimeString([], { timeStyle: "short" });
    const head = made("div", "sender", made("b", "", "oktriage"), made("span", "badge", "APP"), made("span", "time", time));
    return made("section", `stage ${platform}`, mark, made("div", "said", head, ...nodes));
  }

  function column(name, node) {
    node.setAttribute("aria-label", `On ${name}`);
    return made("div", "column", made("h3", "", name), node);
  }

  /** Shows both forms of an answer side by side. */
  function show(payloads) {
    const window = document.getElementById("preview");
    window.querySelector(".columns").replaceChildren(
      column("Slack", message("slack", slack(payloads.slack))),
      column("Discord", message("discord", discord(payloads.discord))),
    );
    window.showModal();
  }

  return { show };
})();
