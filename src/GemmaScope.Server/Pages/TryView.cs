using System.Globalization;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What was tried on a feature's page: a text, or a prompt and how its continuations differ.</summary>
/// <param name="Text">The text that was tested, or null.</param>
/// <param name="Tested">Where the feature fires in it.</param>
/// <param name="Steer">How a prompt was steered, or null.</param>
/// <param name="Normal">Its continuation, or null.</param>
/// <param name="Steered">The same with the feature.</param>
/// <param name="Problem">Why it could not be done.</param>
internal sealed record Trial(
    string? Text = null,
    TestAnswer? Tested = null,
    SteerQuery? Steer = null,
    SteeredOutcome? Normal = null,
    SteeredOutcome? Steered = null,
    string? Problem = null
);

/// <summary>What became of one of the two texts.</summary>
/// <param name="Text">The text.</param>
/// <param name="Next">The most likely tokens after the prompt.</param>
/// <param name="NextKl">KL(normal ‖ steered) of that prediction.</param>
/// <param name="Effect">What steering did to the text, or null.</param>
internal sealed record SteeredOutcome(
    string Text = "",
    IReadOnlyList<LikelyToken>? Next = null,
    double? NextKl = null,
    GemmaScope.Behaviour.SteeringEffect? Effect = null
)
{
    /// <summary>The same with one more piece.</summary>
    public SteeredOutcome With(SteeredPiece piece) =>
        new(Text + piece.Text, piece.Next ?? Next, piece.NextKl ?? NextKl, piece.Effect ?? Effect);
}

/// <summary>The parts of a feature's page that run the model: a field that answers as one types, and steering.</summary>
internal sealed class TryView(
    string address,
    string dictionary,
    int feature,
    float maximum,
    IReadOnlyList<(string Name, string? Value)> kept,
    Trial trial
)
{
    /// <summary>The live test.</summary>
    /// <param name="field">Whether a text can be typed.</param>
    public Markup Test(bool field = true) =>
        Markup.Of(
            $"""
            <section class="try" aria-label="test">
            <h2>Test</h2>
            {(field ? Field() : Markup.Empty)}<div id="tested" aria-live="polite">{Tested()}</div>
            </section>

            """
        );

    private Markup Field() =>
        Markup.Of(
            $"""
            <form class="scope" action="{address}" id="testing" data-in-place>{Kept}
            <label class="sr" for="test">A text to try it on</label>
            <textarea id="test" name="test" rows="2" maxlength="{TextReader.LongestText}" placeholder="A text, to see where it fires …">{Markup.Trusted(
                "\n"
            )}{trial.Text ?? ""}</textarea>
            <div class="choices"><button>Test</button> <span id="tested-max" class="soft">{(
                trial.Tested is not { } found ? ""
                : found.Maximum > 0 ? string.Create(CultureInfo.InvariantCulture, $"up to {found.Maximum:0.0}")
                : "it does not fire here"
            )}</span></div>
            </form>

            """
        );

    /// <summary>Normal and steered text, side by side.</summary>
    public Markup Steering() => new SteeringView(address, dictionary, feature, maximum, trial).Render();

    /// <summary>The parameters of a frame, so that the answer stands in the same one.</summary>
    private Markup Kept =>
        Markup.Join(
            kept.Where(one => one.Value is not null)
                .Select(one => Markup.Of($"<input type=\"hidden\" name=\"{one.Name}\" value=\"{HtmlText.Field(one.Value ?? "")}\">"))
        );

    private Markup Tested() =>
        trial is { Problem: { } problem, Steer: null } ? Markup.Of($"<p class=\"problem\" role=\"alert\">{problem}</p>")
        : trial.Tested is not { } found ? Markup.Empty
        : Markup.Of(
            $"<p class=\"bubble\" tabindex=\"0\">{found.Tokens.Select(token => TokenMarkup.Shaded(token.Piece, token.Activation, Math.Max(maximum, found.Maximum)))}</p>"
        );
}
