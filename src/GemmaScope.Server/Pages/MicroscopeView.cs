using System.Globalization;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What a link to the microscope says.</summary>
/// <param name="Text">The text, or null.</param>
/// <param name="Dictionary">The dictionary it is read with.</param>
/// <param name="Token">The position whose features are listed, or null for the whole text.</param>
/// <param name="Feature">The feature that is open beside the text and shades it, or null for each token's first.</param>
internal sealed record MicroscopeLink(string? Text, MicroscopeDictionary Dictionary, int? Token, int? Feature)
{
    /// <summary>Features that shade the text together at most: as many as there are hues.</summary>
    public const int MostPins = 4;

    /// <summary>Features that shade the text together, each in a hue of its own.</summary>
    public IReadOnlyList<int> Pins { get; init; } = [];

    /// <summary>Its address.</summary>
    public string Address => AddressOf("/");

    /// <summary>The address of the stream that fills the page while the model runs.</summary>
    public string Stream => AddressOf("/reading");

    /// <summary>The same with a feature pinned, or taken off; of more than there are hues the first one goes.</summary>
    public MicroscopeLink Pin(int feature) =>
        this with
        {
            Pins = Pins.Contains(feature) ? [.. Pins.Where(one => one != feature)] : [.. Pins.Append(feature).TakeLast(MostPins)],
        };

    /// <summary>The hue of a pinned feature; null of another.</summary>
    public int? HueOf(int feature) => Pins.Index().Where(pin => pin.Item == feature).Select(pin => (int?)pin.Index).FirstOrDefault();

    /// <summary>The same of another text or dictionary: what was chosen is of this one.</summary>
    public MicroscopeLink Elsewhere => this with { Token = null, Feature = null, Pins = [] };

    private string AddressOf(string path) =>
        PageAddress.WithQuery(
            path,
            ("q", Text),
            ("dict", Dictionary.Name),
            ("token", Token?.ToString(CultureInfo.InvariantCulture)),
            ("feature", Feature?.ToString(CultureInfo.InvariantCulture)),
            ("pins", Pins.Count > 0 ? string.Join(',', Pins) : null)
        );
}

/// <summary>The microscope: a text, its tokens shaded, and the features that fire. Of a reading that is not complete the places are kept
/// free.</summary>
/// <param name="model">The model's name.</param>
/// <param name="dictionaries">All dictionaries.</param>
/// <param name="titles">What they are called.</param>
/// <param name="link">What is looked at.</param>
/// <param name="reading">The parts of the reading, or null.</param>
/// <param name="layers">The layers, or null where there is no text.</param>
/// <param name="incomplete">Whether there is more to come by the stream.</param>
/// <param name="problem">Why the text cannot be read, or null.</param>
/// <param name="warnings">What does not fit between the dictionary and the model.</param>
internal sealed class MicroscopeView(
    string model,
    IReadOnlyList<MicroscopeDictionary> dictionaries,
    DictionaryTitles titles,
    MicroscopeLink link,
    ReadingView? reading,
    LayersView? layers,
    bool incomplete = false,
    string? problem = null,
    IReadOnlyList<string>? warnings = null
)
{
    /// <summary>Features listed for a token, and for the whole text.</summary>
    public const int Listed = 15;

    private static readonly (string Name, string Text)[] Examples =
    [
        ("a headline", "Paris plans car-free days as the heat wave returns"),
        ("a lie", "The moon is made of cheese, and every astronaut has tasted it."),
        ("a song line", "Oh, the river runs away, my love, and it carries my heart to the sea"),
        ("code", "for i in range(10):\n    print(i)"),
    ];

    public Page Render() =>
        new PageFrame
        {
            Title = link.Text is { Length: > 0 } text
                ? text.Length <= 60
                    ? text
                    : text[..60] + "…"
                : "Microscope",
            Section = PageSection.Microscope,
            Path =
            [
                PageStep.Model(model),
                titles[model, link.Dictionary.Name].Step(link.Dictionary.Stored is { } stored ? PageAddress.Dictionary(stored) : null),
            ],
            Script = "reading.js",
        }.Render(
            Markup.Of(
                $"""
                <h1 class="sr">Microscope</h1>
                {(warnings ?? []).Select(warning => Markup.Of($"<p class=\"problem\">{warning}</p>\n"))}{Form()}{(problem is null ? Markup.Empty : Markup.Of($"<p class=\"problem\" role=\"alert\">{problem}</p>\n"))}{(
                    reading is not null && layers is not null ? Result(reading, layers)
                    : problem is null ? Welcome()
                    : Markup.Empty
                )}
                """
            ),
            problem is null ? 200 : 400
        );

    private Markup Welcome() =>
        Markup.Of(
            $"""
            <section class="welcome">
            <p>Each token will be shaded by the features that fire there; a click on one says what it is about. Nothing you type is stored. Begin with one of these:</p>
            <ul>{Examples.Select(example =>
                Markup.Of($"<li><a href=\"{Address(example.Text)}\" data-in-place><b>{example.Name}</b> <q>{example.Text}</q></a></li>\n")
            )}</ul>
            {(link.Dictionary.Stored is { } stored
                ? Markup.Of(
                    $"<p>Or look at features without a text: <a href=\"{PageAddress.Dictionary(stored)}\">all {stored.Features:#,0} of {titles[model, stored.Name].Text}</a>, or <a href=\"{PageAddress.Dictionary(stored)}/random\">one at random</a>.</p>\n"
                )
                : Markup.Empty)}</section>

            """
        );

    private string Address(string example) => (link.Elsewhere with { Text = example }).Address;

    private Markup Form() =>
        Markup.Of(
            $"""
            <form class="scope" action="/" data-in-place>
            <label class="sr" for="text">Text</label>
            <textarea id="text" name="q" placeholder="Paste or type a text …" maxlength="{TextReader.LongestText}" required>{Markup.Trusted(
                "\n"
            )}{HtmlText.Field(link.Text ?? "")}</textarea>
            <div class="choices">
            <label>model <b>{model}</b></label>
            <label>dictionary <select name="dict">{dictionaries.GroupBy(one => titles[model, one.Name].Site).Select(Site)}</select></label>
            <button>Look</button>
            {(reading is null ? Markup.Empty : Markup.Of($"<span class=\"soft\">examples: {Markup.Join(Examples.Select((example, i) => Markup.Of($"{(i > 0 ? " · " : "")}<a href=\"{Address(example.Text)}\" data-in-place>{example.Name}</a>")))}</span>"))}
            </div>
            </form>

            """
        );

    private Markup Site(IGrouping<string, MicroscopeDictionary> site) =>
        Markup.Of(
            $"<optgroup label=\"{site.Key}\">{site.Select(one => Markup.Of($"<option value=\"{one.Name}\"{Markup.Trusted(one == link.Dictionary ? " selected" : "")}>{titles[model, one.Name].Text}</option>"))}</optgroup>"
        );

    private Markup Result(ReadingView parts, LayersView layers) =>
        Markup.Of(
            $"""
            {parts.Tokens()}{parts.Shading()}{parts.Summary()}{layers.Slider()}<div class="sides even"{(
                incomplete ? Markup.Of($" data-reading=\"{link.Stream}\"") : Markup.Empty
            )}>
            {parts.List()}{parts.Beside()}</div>
            {layers.Table()}
            """
        );
}
