using System.Text.RegularExpressions;
using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Pages;

/// <summary>The model in memory as pages use it: the dictionaries that texts can be read with, and the ways to read and to steer.</summary>
internal sealed class Instrument(ServerModel served, ModelQueue queue, TitleBook titles)
{
    private readonly TextReader _reader = new(served, queue);

    /// <summary>The model's name in addresses.</summary>
    public string Model { get; } = FeatureLinks.ModelName(served.Name);

    /// <summary>All dictionaries, in the order in which they were given.</summary>
    public IReadOnlyList<MicroscopeDictionary> Dictionaries { get; } =
        MicroscopeDictionary.Of(served.Name, served.Dictionaries, served.Features);

    /// <summary>The same in the order of the forward pass.</summary>
    public IReadOnlyList<MicroscopeDictionary> OnTheWay => field ??= [.. Dictionaries.OrderBy(one => one.LastSite)];

    /// <summary>What dictionaries are called.</summary>
    public DictionaryTitles Titles => titles.Now();

    /// <summary>What one of them is called.</summary>
    public DictionaryTitle Title(MicroscopeDictionary dictionary) => Titles[Model, dictionary.Name];

    /// <summary>What does not fit between a dictionary and the model, a sentence each.</summary>
    public IReadOnlyList<string> Warnings(MicroscopeDictionary dictionary) => served.Microscope.WarningsOf(dictionary.Dictionary);

    /// <summary>Dashboards of features, or null.</summary>
    public IFeatureDatabase? Database => served.Features;

    /// <summary>Features listed of each other dictionary.</summary>
    private const int Nearest = 3;

    private readonly NearestDirections _directions = new(served.Model, served.Dictionaries);

    /// <summary>Dictionaries whose directions can be compared with those of one.</summary>
    public IReadOnlyList<MicroscopeDictionary> ComparedWith(MicroscopeDictionary dictionary) =>
        !NearestDirections.Fits(dictionary.Dictionary)
            ? []
            : [.. OnTheWay.Where(other => other != dictionary && NearestDirections.Fits(other.Dictionary))];

    /// <summary>The nearest directions to a feature in all other dictionaries, in the order of the forward pass.</summary>
    public async Task<IReadOnlyList<LayerDirections>> DirectionsAsync(MicroscopeDictionary dictionary, int feature, HttpContext context)
    {
        var own = Dictionaries.Index().First(one => one.Item == dictionary).Index;
        return await queue
            .RunAsync(
                ClientAddress.Of(context),
                turn =>
                    ComparedWith(dictionary)
                        .Select(other =>
                        {
                            var near = _directions.Find(
                                own,
                                feature,
                                Dictionaries.Index().First(one => one.Item == other).Index,
                                Nearest,
                                turn
                            );
                            var rows = Database.ByFeature(other.Stored, near.Select(one => one.Feature));
                            return new LayerDirections(
                                other.Name,
                                other.Layer,
                                $"{other.Dictionary.OutputSite}",
                                [
                                    .. near.Select(one => new NearDirection(
                                        one.Feature,
                                        one.Cosine,
                                        rows.GetValueOrDefault(one.Feature)?.Label
                                    )),
                                ]
                            );
                        })
                        .ToArray(),
                context.RequestAborted
            )
            .ConfigureAwait(false);
    }

    /// <summary>Normal and steered continuations.</summary>
    public Steering Steering { get; } = new(served, queue);

    /// <summary>The dictionary of a name, or the first.</summary>
    /// <exception cref="ProblemException">There is none of that name.</exception>
    public MicroscopeDictionary Dictionary(string? name) =>
        name is null
            ? Dictionaries[0]
            : Dictionaries.FirstOrDefault(one => one.Name == name)
                ?? throw new ProblemException(
                    StatusCodes.Status404NotFound,
                    $"There is no dictionary {name} here",
                    $"This server reads with: {string.Join(", ", Dictionaries.Select(one => one.Name))}.",
                    "dictionary"
                );

    /// <summary>The dictionary in memory whose dashboards these are, or null.</summary>
    public MicroscopeDictionary? Of(StoredDictionary stored) => Dictionaries.FirstOrDefault(one => one.Stored?.Id == stored.Id);

    /// <summary>The dictionary of the same site that reads the nearest layer in the direction of one asked for: alike in all but the layer
    /// where there is such a one.</summary>
    public MicroscopeDictionary AtLayer(MicroscopeDictionary from, int layer)
    {
        if (layer == from.Layer)
            return from;
        static string Nameless(MicroscopeDictionary one) => Regex.Replace(one.Dictionary.Name, @"layer_\d+|average_l0_\d+|l0_\d+", "");
        return Dictionaries
                .Where(one => one.SiteName == from.SiteName && Math.Sign(one.Layer - from.Layer) == Math.Sign(layer - from.Layer))
                .OrderBy(one => Math.Abs(one.Layer - layer))
                .ThenBy(one => one.Dictionary.Kind != from.Dictionary.Kind)
                .ThenBy(one => Nameless(one) != Nameless(from))
                .ThenBy(one => one.Dictionary.Width != from.Dictionary.Width)
                .FirstOrDefault()
            ?? from;
    }

    /// <summary>A text's tokens.</summary>
    public IReadOnlyList<ReadToken> Tokens(string text) => _reader.Tokens(text);

    /// <summary>What was found before, or null.</summary>
    public TextAnalysis? Known(MicroscopeDictionary dictionary, string text) => _reader.Known(dictionary, text);

    /// <summary>What each dictionary finds in a text, as the model comes past it.</summary>
    public IAsyncEnumerable<DictionaryFinding> ReadEachAsync(string text, HttpContext context) =>
        _reader.ReadEachAsync(OnTheWay, text, ClientAddress.Of(context), context.RequestAborted);

    /// <summary>What a dictionary finds in a text.</summary>
    public Task<TextAnalysis> ReadAsync(MicroscopeDictionary dictionary, string text, HttpContext context) =>
        _reader.ReadAsync(dictionary, text, ClientAddress.Of(context), context.RequestAborted);
}
