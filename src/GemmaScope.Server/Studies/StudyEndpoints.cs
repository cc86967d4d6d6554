using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Studies;

/// <summary>The pages of studies.</summary>
/// <param name="shelf">The studies.</param>
/// <param name="canChat">Whether a prompt can be said to the model here.</param>
/// <param name="canRead">Whether a prompt can be read here with a dictionary.</param>
internal sealed class StudyEndpoints(StudyShelf shelf, bool canChat, bool canRead)
{
    // A report may be anyone's file: nothing of it runs, and it is nobody here.
    private const string ReportPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet("/studies", () => new PageResult(StudyListView.Render(shelf.Runs())));
        pages.MapGet("/studies/{name}", (string name) => new PageResult(One(name)));
        pages.MapGet("/studies/{name}/rows", (string name, HttpContext context) => new PageResult(Rows(name, context).Render()));
        pages.MapGet("/studies/{name}/report.html", Report);
        data.MapGet("/studies.json", shelf.Runs)
            .WithSummary("The studies that this server shows: kind, model, headline numbers, how far they are.");
        data.MapGet(
                "/studies/{name}/result.json",
                (string name) =>
                    Results.Stream(Opened(shelf.Result(Existing(name).Name) ?? throw Missing(name, "result")), "application/json")
            )
            .WithSummary("The result of a study, as it was written.")
            .Produces<object>();
        data.MapGet(
                "/studies/{name}/rows.csv",
                (string name, HttpContext context) => Results.Text(Rows(name, context).Csv(), "text/csv; charset=utf-8")
            )
            .WithSummary("The rows of a table of a study, filtered and sorted as on its page.")
            .Produces<string>(200, "text/csv");
    }

    private Page One(string name)
    {
        var run = Existing(name);
        return new StudyView(
            run,
            run.IsFinished ? shelf.Document(name) : null,
            shelf.Report(name) is { } report ? ReportPart.Read(report) : null
        ).Render();
    }

    private StudyRowsView Rows(string name, HttpContext context)
    {
        var (run, query) = (Existing(name), StudyQuery.Of(context.Request.Query));
        var document = shelf.Document(name) ?? throw Missing(name, "result");
        var table =
            document.Table(query.Table)
            ?? throw new ProblemException(
                StatusCodes.Status404NotFound,
                $"The result of {name} has no table {query.Table}",
                $"It has {string.Join(", ", document.Tables.Select(one => one.Name))}.",
                "table"
            );
        return new(run, document, table, query, canChat, canRead);
    }

    private IResult Report(string name, HttpContext context)
    {
        var file = shelf.Report(Existing(name).Name) ?? throw Missing(name, "report");
        context.Response.Headers.ContentSecurityPolicy = ReportPolicy;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Stream(Opened(file), "text/html; charset=utf-8");
    }

    private static FileStream Opened(string file)
    {
        try
        {
            return new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileFormatException($"cannot be read: {problem.Message}", file, problem);
        }
    }

    private StudyRun Existing(string name) =>
        shelf.Find(name)
        ?? throw new ProblemException(
            StatusCodes.Status404NotFound,
            $"There is no study {name} here",
            $"There are {shelf.Runs().Count} in the folders that this server shows."
        );

    private static ProblemException Missing(string name, string what) =>
        new(StatusCodes.Status404NotFound, $"The study {name} has no {what} yet", "Run it to its end.");
}
