using System.Globalization;
using GemmaScope.Behaviour;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The steering panel of a feature's page: a prompt, how it is steered, both texts and what steering did. It works as a form; the
/// script writes the texts as they come.</summary>
internal sealed class SteeringView(string address, string dictionary, int feature, float maximum, Trial trial)
{
    private const string Times = "times",
        Coefficient = "coefficient",
        None = "none";

    private const int StopsEachSide = 3;

    private readonly SteerQuery _query = trial.Steer ?? new SteerQuery();

    /// <summary>The scale of its mode has its place before the script fills it, so that nothing moves.</summary>
    private string Kind => Behaviour.Steering.Modes.TryGetValue(Mode, out var known) ? KindOf(known) : None;

    private string Mode => _query.Mode ?? SteerRequest.DefaultMode;

    public Markup Render() =>
        Markup.Of(
            $"""
            <section class="try" aria-label="steering">
            <h2>Steering</h2>
            <form class="scope" action="{address}" id="steering" data-steer="/api/steer" data-dictionary="{dictionary}" data-feature="{feature}">
            <label class="sr" for="steer">A prompt to continue</label>
            <textarea id="steer" name="steer" rows="2" maxlength="{TextReader.LongestText}" placeholder="A prompt, to be continued as it is and with the feature turned up or down …" required>{Markup.Trusted(
                "\n"
            )}{_query.Steer ?? ""}</textarea>
            <div class="choices strength">
            <label>strength <input type="number" name="strength" id="strength" min="{-SteerRequest.LargestStrength}" max="{SteerRequest.LargestStrength}" step="any" value="{_query.Strength
                ?? SteerRequest.DefaultStrength}" required></label>
            {Scale(Times, TimesStops(), "multiples of its maximum")}{Scale(
                Coefficient,
                [(-1, "turned"), (0, "removed"), (1, "left"), (2, "doubled")],
                "what is left of its direction"
            )}
            <span class="act"><button>Steer</button><button type="button" class="quiet" id="stop" hidden>Stop</button></span>
            </div>
            <details{Markup.Trusted(HasMore ? " open" : "")}><summary>mode, positions, sampling</summary><div class="choices">
            <label>mode <select name="mode" id="mode">{Behaviour.Steering.Modes.Select(mode =>
                Option(mode.Key, Mode, KindOf(mode.Value))
            )}</select></label>
            <p class="note">{Behaviour.Steering.Modes.Select(mode =>
                Markup.Of($"<span data-mode=\"{mode.Key}\"{Markup.Trusted(mode.Key == Mode ? "" : " hidden")}>{Formula(mode.Value)}</span>")
            )} Never at ‹bos›.</p>
            <label>positions <select name="positions">{Positions.Select(one =>
                Option(one.Name, _query.Positions ?? SteerRequest.DefaultPositions, null, one.Text)
            )}</select></label>
            <label>further features <input name="with" id="with" value="{_query.With
                ?? ""}" placeholder="12:5, 40" pattern="[0-9]+(\s*:\s*-?[0-9.]+)?(\s*,\s*[0-9]+(\s*:\s*-?[0-9.]+)?)*" title="numbers with commas between, a strength of its own behind a colon: 12:5, 40"></label>
            <label>seed <input type="number" name="seed" id="seed" step="1" min="0" max="{int.MaxValue}" value="{_query.Seed
                ?? SteerRequest.DefaultSeed}" required></label>
            <label>temperature <input type="number" name="temperature" min="0" step="any" value="{_query.Temperature
                ?? SteerRequest.DefaultTemperature}" required></label>
            <label>frequency penalty <input type="number" name="frequency_penalty" step="any" value="{_query.FrequencyPenalty
                ?? SteerRequest.DefaultPenalty}" required></label>
            <label>new tokens <input type="number" name="max_tokens" min="1" max="{SteerRequest.MostTokens}" step="1" value="{_query.MaxTokens
                ?? SteerRequest.MostTokens}" required></label>
            </div></details>
            </form>
            <p class="problem" id="steer-problem" role="alert"{Markup.Trusted(Problem is null ? " hidden" : "")}>{Problem ?? ""}</p>
            {new OutcomeView(trial.Normal, trial.Steered).Render()}</section>

            """
        );

    private static (string Name, string Text)[] Positions { get; } =
    [("all", "all"), ("last", "the prompt’s last token on"), ("new", "new tokens only")];

    private string? Problem => trial.Steer is null ? null : trial.Problem;

    private bool HasMore =>
        _query
            is not {
                Mode: null or SteerRequest.DefaultMode,
                With: null or "",
                Positions: null or SteerRequest.DefaultPositions,
                Seed: null or SteerRequest.DefaultSeed,
                MaxTokens: null or SteerRequest.MostTokens,
                Temperature: null or SteerRequest.DefaultTemperature,
                FrequencyPenalty: null or SteerRequest.DefaultPenalty
            };

    private static Markup Option(string name, string chosen, string? kind, string? text = null) =>
        Markup.Of(
            $"<option value=\"{name}\"{(kind is null ? Markup.Empty : Markup.Of($" data-strength-kind=\"{kind}\""))}{Markup.Trusted(name == chosen ? " selected" : "")}>{text ?? name}</option>"
        );

    private static string KindOf(SteeringMode mode) =>
        !Behaviour.Steering.HasStrength(mode) ? None
        : mode == SteeringMode.Orthogonal ? Coefficient
        : Times;

    /// <summary>Strengths that mean something, in equal steps so that each stands below its place on the slider: multiples of the largest
    /// activation, or halves, quarters, … of it where the multiples are out of range.</summary>
    private (double Strength, string Name)[] TimesStops()
    {
        if (maximum <= 0)
            return [];
        var step = 1.0;
        while (StopsEachSide * step * maximum > SteerRequest.LargestStrength)
            step /= 2;
        return
        [
            .. Enumerable
                .Range(-StopsEachSide, 2 * StopsEachSide + 1)
                .Select(i => (Math.Round(i * step * maximum, 1), string.Create(CultureInfo.InvariantCulture, $"{i * step:0.##}×"))),
        ];
    }

    /// <summary>A slider and buttons, which fill the field; the script shows those that belong to the mode.</summary>
    private Markup Scale(string kind, (double Strength, string Name)[] stops, string unit)
    {
        var (low, high) =
            stops.Length > 0 ? (stops[0].Strength, stops[^1].Strength) : (-SteerRequest.LargestStrength, SteerRequest.LargestStrength);
        return Markup.Of(
            $"""
            <span class="stops" data-scale="{kind}" data-start="{(
                kind == Coefficient ? 0 : SteerRequest.DefaultStrength
            )}"{Markup.Trusted(kind == Kind ? "" : " hidden")}><input type="range" class="slider" min="{low}" max="{high}" step="any" list="{kind}-stops" aria-label="strength: {unit}">
            <datalist id="{kind}-stops">{stops.Select(stop => Markup.Of($"<option value=\"{stop.Strength}\"></option>"))}</datalist>
            <span class="places">{stops.Select(stop =>
                Markup.Of($"<button type=\"button\" data-strength=\"{stop.Strength}\">{stop.Name}</button> ")
            )}</span><span class="soft">{unit}</span></span>
            """
        );
    }

    private static string Formula(SteeringMode mode) =>
        mode switch
        {
            SteeringMode.Add => "x ← x + strength · W_dec.",
            SteeringMode.AddUnit => "x ← x + strength · W_dec / ‖W_dec‖.",
            SteeringMode.Clamp => "x ← x + (strength − f(x)) · W_dec: the feature has this activation, whatever the text.",
            SteeringMode.Ablate => "x ← x − f(x) · W_dec: the feature is off.",
            SteeringMode.Directional => "x ← x − (x · r) r with r = W_dec / ‖W_dec‖: nothing along its direction is left here.",
            SteeringMode.Everywhere =>
                "x ← x − (x · r) r at every block input and on all that attention and MLPs add: nothing along its direction is left in the residual stream.",
            SteeringMode.Orthogonal => "x ← (I − P) x + strength · P x, where P projects on its direction.",
            SteeringMode.Cap => "x ← x − max(0, x · r − strength) r with r = W_dec / ‖W_dec‖: no more than this along its direction.",
            _ => "x ← y ‖x‖ / ‖y‖ with y = x + strength · W_dec: added, and the length is kept.",
        };
}

/// <summary>Both texts side by side, each with the tokens that were likeliest after the prompt, and what steering did by numbers. Before
/// anything was steered the places are free.</summary>
internal sealed class OutcomeView(SteeredOutcome? normal, SteeredOutcome? steered)
{
    public Markup Render() =>
        Markup.Of(
            $"""
            <div class="outcome" aria-live="polite">
            {Side(Steering.Normal, normal)}{Side(Steering.Steered, steered)}</div>
            <p class="note" id="effect">{(normal is not null && steered is not null ? Effect(normal, steered) : Markup.Empty)}</p>

            """
        );

    private static Markup Side(string kind, SteeredOutcome? outcome) =>
        Markup.Of(
            $"""
            <div><h3>{kind}</h3><p class="bubble" id="{kind}">{HtmlText.Visible(
                outcome?.Text ?? ""
            )}</p><table class="next" aria-label="{kind}: likeliest next tokens"><tbody id="{kind}-next">{(outcome?.Next ?? []).Select(
                Next
            )}</tbody></table></div>

            """
        );

    private static Markup Next(LikelyToken token) =>
        Markup.Of(
            $"<tr><td class=\"w\">{TokenMarkup.Word(token.Piece)}</td><td class=\"n\">{Digits.Percent(token.Probability)}</td><td class=\"b\">{ShareBar.Of(token.Probability)}</td></tr>"
        );

    /// <summary>The numbers of the command, in a sentence. The script says the same.</summary>
    private static Markup Effect(SteeredOutcome normal, SteeredOutcome steered) =>
        steered is not { Effect: { } effect, NextKl: { } next } || normal.Effect is not { } own
            ? Markup.Empty
            : Markup.Of(
                $"KL {new Rounded(effect.Kl, 3, Padded: true)} nats a token from normal to steered (next token {new Rounded(next, 3, Padded: true)}) · surprise {Nats(effect.Surprise)}, normal {Nats(own.Surprise)} · repeated {new Rounded(100 * effect.Repetition, 0)} %, normal {new Rounded(100 * own.Repetition, 0)} %"
            );

    private static string Nats(double value) => double.IsNaN(value) ? "–" : value.ToString("0.00", CultureInfo.InvariantCulture);
}
