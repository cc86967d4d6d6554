using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Chat;

/// <summary>What is steered and watched while one talks, and how replies are sampled. Its fields belong to the form of the
/// conversation.</summary>
/// <param name="scene">What the page is about.</param>
/// <param name="form">The fields as they were sent.</param>
internal sealed class ChatPanel(ChatScene scene, ChatForm form)
{
    public Markup Render() =>
        Markup.Of(
            $"""
            <aside class="panel" aria-label="steering and sampling">
            {(scene.CanThink ? Thinking() : Markup.Empty)}{(
                scene.Instrument is null ? Markup.Empty : Features()
            )}{Directions()}<details><summary>sampling</summary><div class="choices">
            <label>seed <input form="chat" type="number" name="{ChatForm.SeedField}" step="1" min="0" max="{int.MaxValue}" value="{form.Seed}" required></label>
            <label>temperature <input form="chat" type="number" name="{ChatForm.TemperatureField}" min="0" step="any" value="{form.Temperature}" required></label>
            <label>new tokens <input form="chat" type="number" name="{ChatForm.TokensField}" min="1" max="{ChatRequest.MostTokens}" step="1" value="{form.MaxTokens}" required></label>
            </div><p class="note">Both replies begin with the same seed. At temperature 0 the most likely token is taken each time.</p></details>
            </aside>

            """
        );

    private Markup Thinking() =>
        Markup.Of(
            $"""
            <h2>Thinking</h2>
            <p class="choices"><label><input form="chat" type="checkbox" name="{ChatForm.ThinkingField}" value="yes"{Markup.Trusted(
                form.Thinking ? " checked" : ""
            )}> think before the answer</label></p>
            <p class="note">Thoughts stand folded up above the answer and count among its new tokens. Later turns do not show them to the model.</p>

            """
        );

    private Markup Features() =>
        Markup.Of(
            $"""
            <h2>Features</h2>
            <div id="finder" hidden><label class="sr" for="find-feature">Find a feature</label><input type="search" id="find-feature" placeholder="{(
                scene.CanSearch ? "words of a label, or a number" : "the number of a feature"
            )}" autocomplete="off">
            <ul id="found-features" aria-label="features found" aria-live="polite"></ul>
            <ul id="steered-features" aria-label="steered features"></ul>
            <p class="note" id="none-steered">None is steered: find one, or press + at a feature below a message.</p></div>
            <label id="typed-features">features <input form="chat" name="{ChatForm.FeaturesField}" value="{HtmlText.Field(form.Features)}" placeholder="12: 5, 40: -3" title="numbers with commas between, each with its strength behind a colon: 12: 5, 40: -3"></label>
            <div class="choices">
            <label>mode <select form="chat" name="{ChatForm.ModeField}">{Behaviour.Steering.Modes.Keys.Select(mode =>
                Markup.Of(
                    $"<option{(mode == form.Mode ? Markup.Trusted(" selected") : Markup.Empty)}{(Behaviour.Steering.HasStrength(Behaviour.Steering.Modes[mode]) ? Markup.Empty : Markup.Trusted(" data-strengthless"))}>{mode}</option>"
                )
            )}</select></label>
            <label>features named by <select form="chat" name="{ChatForm.DictionaryField}">{scene.Instrument!.Dictionaries.Select(one =>
                Markup.Of(
                    $"<option value=\"{one.Name}\"{Markup.Trusted(one.Name == form.Dictionary ? " selected" : "")}>{scene.Instrument.Title(one).Text}</option>"
                )
            )}</select></label>
            </div>

            """
        );

    private Markup Directions() =>
        Markup.Of(
            $"""
            <h2>Directions</h2>
            {(
                scene.Directions.Count == 0
                    ? Markup.Of($"<p class=\"note\">None: start the server with files of directions, and conversations are watched and steered along them.</p>\n")
                    : Markup.Of($"<ul class=\"directions-watched\">{scene.Directions.Select(Direction)}</ul>\n<p class=\"note\">Watched ones are drawn below each message. A strength other than 0 adds the direction so many times at its site, at every token but ‹bos›. A reply ends at the token whose projection is above <i>stop above</i>.</p>\n")
            )}
            """
        );

    private Markup Direction(ServedDirection one, int place)
    {
        var (watched, strength, stop) = place < form.Along.Count ? form.Along[place] : (true, 0, null);
        return Markup.Of(
            $"""
            <li data-direction="{one.Name}"><label><input form="chat" type="checkbox" name="{ChatForm.WatchField}{place}" value="yes"{Markup.Trusted(
                watched ? " checked" : ""
            )}> {one.Name} <span class="soft">{$"{one.Site}"}, length {Digits.Number(
                one.Norm
            )}</span></label> <label>strength <input form="chat" type="number" name="{ChatForm.AlongField}{place}" step="any" min="{-ChatRequest.LargestStrength}" max="{ChatRequest.LargestStrength}" value="{strength}"></label> <label>stop above <input form="chat" type="number" name="{ChatForm.StopField}{place}" step="any" value="{(stop is { } above ? Markup.Of($"{above}") : Markup.Empty)}"></label></li>

            """
        );
    }
}
