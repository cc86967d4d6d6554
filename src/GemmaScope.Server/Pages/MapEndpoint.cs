using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The maps of models: of those in the database, and of the one in memory, whether the database has its features or not.</summary>
internal sealed class MapEndpoint(FeatureLibrary? library, Instrument? instrument)
{
    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet(PageSection.Map.Address, All);
        pages.MapGet("/{model}", (string model) => new PageResult(ModelView.Render(model, Of(model))));
        data.MapGet("/{model}.json", (string model) => Of(model).Select(cell => cell.Entry).ToArray())
            .WithSummary("The dictionaries of a model: layer, site, width, L0, variance explained, and all evaluations.");
    }

    private IReadOnlyList<StoredDictionary> Stored => library?.Now().Dictionaries ?? [];

    /// <summary>The map, where there is one; else a choice.</summary>
    private IResult All()
    {
        string[] models =
        [
            .. Stored
                .Select(one => one.Model)
                .Concat(instrument is null ? [] : [instrument.Model])
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
        return models is [var only]
            ? Results.LocalRedirect("~" + PageAddress.Model(only))
            : new PageResult(ModelView.Models([.. models.Select(model => (model, Of(model).Length))]));
    }

    /// <summary>All dictionaries of a model: those of the database, then those that are in memory alone.</summary>
    private MapCell[] Of(string model)
    {
        var all = Stored.Where(one => one.Model == model).ToArray();
        var others = instrument?.Model != model ? [] : instrument.Dictionaries.Where(one => one.Stored is null).ToArray();
        if (all.Length + others.Length == 0)
            throw new ProblemException(
                StatusCodes.Status404NotFound,
                $"There are no features of {model} here",
                "Build them into the database of features that the server is started with."
            );
        var titles = library?.Titles ?? instrument!.Titles;
        var evaluations = all.Length == 0 ? null : library!.Database.Evaluations();
        return
        [
            .. all.Select(one => new MapCell(Entry(one, [.. evaluations![one.Id]], titles[one]), titles[one])),
            .. others
                .Select(one => (One: one, Title: titles[model, one.Name]))
                .Select(one => new MapCell(
                    new(one.One.Name, one.Title.Text, one.One.Layer, one.One.SiteName, one.One.Dictionary.Width, null, null, null, []),
                    one.Title
                )),
        ];
    }

    private MapEntry Entry(StoredDictionary one, StoredEvaluation[] measured, DictionaryTitle title)
    {
        var (source, overview) = (library!.Source(one), library.Overview(one));
        var explained = measured
            .OrderByDescending(evaluation => evaluation.MadeBy == StoredEvaluation.Build)
            .FirstOrDefault(evaluation => evaluation.Fvu is not null)
            ?.Explained;
        return new(
            one.Name,
            title.Text,
            source.Layer,
            source.Hook is { } hook ? MapEntry.SiteName(hook) : instrument?.Of(one)?.SiteName ?? source.Set,
            one.Width,
            overview.MeanL0,
            overview.Dead,
            explained,
            measured
        );
    }
}
